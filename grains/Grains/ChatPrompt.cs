using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Grains;

/// <summary>From messages to a prompt's tokens.</summary>
internal static class ChatPrompt
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <summary>Rendering and tokenizing a large prompt takes its thread for long; half of them stay free for the cluster.</summary>
    private static readonly SemaphoreSlim s_encoders = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <exception cref="ChatException">NotSupported, InvalidMessages or ContextLengthExceeded.</exception>
    public static async Task<int[]> Encode(ChatRequest request, IChatModel model, CancellationToken cancellation)
    {
        if (request.Tools is not null && !model.Form.CallsTools)
            throw new ChatException(ChatError.NotSupported,
                $"The model '{model.Card.Id}' cannot call tools: its chat template has no form of calls that is known here. Send the request without tools.");
        RequireRoom(request, model);
        cancellation.ThrowIfCancellationRequested();
        await s_encoders.WaitAsync(cancellation);
        try
        {
            return model.EncodeChat(TemplateContext(request), request.Asked);
        }
        catch (TemplateException refusal)
        {
            throw new ChatException(ChatError.InvalidMessages, refusal.Message);
        }
        finally
        {
            s_encoders.Release();
        }
    }

    /// <summary>Whether the prompt has begun the answer's reasoning, as templates of models do that always think.</summary>
    public static bool BeginsReasoning(int[] prompt, IChatModel model)
    {
        if (!model.Form.Reasons) return false;
        var tail = new List<byte>();
        for (int i = Math.Max(0, prompt.Length - 4 * AnswerForm.ReasoningBegin.Length); i < prompt.Length; i++)
            tail.AddRange(model.VisibleBytes(prompt[i]));
        return Encoding.UTF8.GetString([.. tail]).AsSpan().TrimEnd().EndsWith(AnswerForm.ReasoningBegin);
    }

    /// <summary>Refuses what no tokenizing could make fit, before any work is done on it.</summary>
    private static void RequireRoom(ChatRequest request, IChatModel model)
    {
        long bytes = request.Messages.Sum(Bytes) + Bytes(request.Tools?.Json);
        int context = model.Card.ContextLength;
        if (bytes > (long)context * model.LongestToken)
            throw new ChatException(ChatError.ContextLengthExceeded,
                $"This model's context is {context} tokens of at most {model.LongestToken} bytes; your messages have {bytes} bytes, which is more than "
                + $"{bytes / model.LongestToken} tokens however they are cut. Shorten the messages or ask for fewer tokens.");
    }

    private static long Bytes(ChatMessage message) => Bytes(message.Content) + message.ToolCalls.Sum(call => Bytes(call.Name) + Bytes(call.Arguments));

    private static long Bytes(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);

    /// <summary>The request's variables first, so that none of them can stand in for the messages.</summary>
    private static JsonObject TemplateContext(ChatRequest request)
    {
        var context = Variables(request.VariablesJson);
        context["messages"] = new JsonArray([.. request.Messages.Select(Message)]);
        context["add_generation_prompt"] = true;
        context.Remove("tools");
        if (request.Tools is { } tools) context["tools"] = JsonNode.Parse(tools.Json, documentOptions: s_strict);
        if (request.Thinking.Enabled is { } enabled) context["enable_thinking"] = enabled;
        if (request.Thinking.Effort is { } effort) context["reasoning_effort"] = effort;
        return context;
    }

    private static JsonObject Message(ChatMessage message)
    {
        var json = new JsonObject { ["role"] = message.Role, ["content"] = message.Content };
        if (message.ReasoningContent is { } reasoning) json["reasoning_content"] = reasoning;
        if (message.ToolCalls.Count > 0) json["tool_calls"] = new JsonArray([.. message.ToolCalls.Select(Call)]);
        if (message.ToolCallId is { } id) json["tool_call_id"] = id;
        if (message.Name is { } name) json["name"] = name;
        return json;
    }

    private static JsonObject Call(ToolCall call) => new()
    {
        ["id"] = call.Id,
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = Arguments(call.Arguments) },
    };

    /// <summary>Templates were written for objects; what a model once wrote that is none stays the text that it is.</summary>
    private static JsonNode Arguments(string json)
    {
        try
        {
            return JsonNode.Parse(json, documentOptions: s_strict) as JsonObject ?? (JsonNode)json;
        }
        catch (JsonException)
        {
            return json;
        }
    }

    private static JsonObject Variables(string? json)
    {
        if (json is null) return [];
        try
        {
            return JsonNode.Parse(json, documentOptions: s_strict) as JsonObject
                ?? throw new ChatException(ChatError.InvalidMessages, "The template variables must be a JSON object.");
        }
        catch (JsonException problem)
        {
            throw new ChatException(ChatError.InvalidMessages, $"The template variables are not valid JSON: {problem.Message}");
        }
    }
}
