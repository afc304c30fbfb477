using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Answering;

/// <summary>From messages to a prompt's tokens.</summary>
internal static class ChatPrompt
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <exception cref="ChatException">NotSupported or InvalidMessages.</exception>
    public static int[] Encode(ChatRequest request, IChatModel model)
    {
        if (request.Tools is not null && !model.Form.CallsTools)
            throw new ChatException(ChatError.NotSupported,
                $"The model '{model.Card.Id}' cannot call tools: its chat template has no form of calls that is known here. Send the request without tools.");
        try
        {
            return model.EncodeChat(TemplateContext(request), request.Asked);
        }
        catch (TemplateException refusal)
        {
            throw new ChatException(ChatError.InvalidMessages, refusal.Message);
        }
    }

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
