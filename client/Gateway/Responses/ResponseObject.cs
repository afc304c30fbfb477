using System.Text.Json.Nodes;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Responses;

/// <summary>A response and its parts in OpenAI's shape. Most of its fields repeat the request as it was sent, so they are JSON nodes
/// throughout.</summary>
internal sealed record ResponseObject(string Id, long Created, ResponseNotes Notes)
{
    /// <param name="status">queued, in_progress, completed, incomplete, cancelled or failed.</param>
    public JsonObject Json(string status, JsonArray output, AnswerFinished? finished = null, JsonObject? error = null)
    {
        var json = new JsonObject
        {
            ["id"] = Id,
            ["object"] = "response",
            ["created_at"] = Created,
            ["status"] = status,
            ["background"] = Notes.Background,
            ["error"] = error,
            ["incomplete_details"] = status == "incomplete" ? new JsonObject { ["reason"] = "max_output_tokens" } : null,
            ["output"] = output,
            ["usage"] = finished is null ? null : Usage(finished),
        };
        foreach (var (name, value) in Notes.Echo)
            json[name] = value?.DeepClone();
        return json;
    }

    public static string StatusOf(AnswerFinished finished) => finished.Reason == "length" ? "incomplete" : "completed";

    /// <summary>The items that an answer's content makes, in the order in which they were streamed.</summary>
    /// <param name="status">Of the last one; those before it are complete.</param>
    public JsonArray Output(AnswerContent content, string status = "completed")
    {
        var items = new JsonArray();
        if (content.Reasoning.Length > 0)
            items.Add(Reasoning(ResponseId.Item("rs", Id, items.Count), content.Reasoning, "completed"));
        if (content.Text.Length > 0)
            items.Add(Message(ResponseId.Item("msg", Id, items.Count), content.Text, "completed"));
        foreach (var call in content.ToolCalls)
            items.Add(Call(ResponseId.Item("fc", Id, items.Count), call, "completed"));
        if (items.Count > 0)
            items[^1]!["status"] = status;
        return items;
    }

    public static JsonObject Reasoning(string id, string? text, string status) => new()
    {
        ["id"] = id,
        ["type"] = "reasoning",
        ["summary"] = new JsonArray(),
        ["content"] = text is null ? new JsonArray() : new JsonArray(ReasoningPart(text)),
        ["status"] = status,
    };

    public static JsonObject ReasoningPart(string text) => new() { ["type"] = "reasoning_text", ["text"] = text };

    public static JsonObject Message(string id, string? text, string status) => new()
    {
        ["id"] = id,
        ["type"] = "message",
        ["role"] = "assistant",
        ["status"] = status,
        ["content"] = text is null ? new JsonArray() : new JsonArray(TextPart(text)),
    };

    public static JsonObject TextPart(string text) => new() { ["type"] = "output_text", ["text"] = text, ["annotations"] = new JsonArray(), ["logprobs"] = new JsonArray() };

    public static JsonObject Call(string id, ToolCall call, string status) => new()
    {
        ["id"] = id,
        ["type"] = "function_call",
        ["status"] = status,
        ["call_id"] = call.Id,
        ["name"] = call.Name,
        ["arguments"] = call.Arguments,
    };

    private static JsonObject Usage(AnswerFinished finished) => new()
    {
        ["input_tokens"] = finished.PromptTokens,
        ["input_tokens_details"] = new JsonObject { ["cached_tokens"] = finished.CachedTokens },
        ["output_tokens"] = finished.CompletionTokens,
        ["output_tokens_details"] = new JsonObject { ["reasoning_tokens"] = finished.ReasoningTokens },
        ["total_tokens"] = finished.PromptTokens + finished.CompletionTokens,
    };
}
