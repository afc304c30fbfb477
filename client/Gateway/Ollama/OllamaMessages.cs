using System.Collections.Frozen;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Ollama;

/// <summary>Reads "messages" of /api/chat. Its tool calls have no ids, so they get the number of the call in the conversation, and a
/// tool's message answers the first call of its tool that has no answer yet.</summary>
internal static class OllamaMessages
{
    private const int LongestName = 256;

    private static readonly FrozenSet<string> Known =
        new[] { "role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id" }.ToFrozenSet();

    private static readonly FrozenSet<string> CallFields = new[] { "id", "type", "function" }.ToFrozenSet();
    private static readonly FrozenSet<string> FunctionFields = new[] { "index", "name", "description", "arguments" }.ToFrozenSet();

    /// <exception cref="Errors.ApiException">400: the first thing that is wrong.</exception>
    public static IReadOnlyList<ChatMessage> Read(RequestObject request)
    {
        var all = request.Require("messages");
        if (all.ValueKind != JsonValueKind.Array || all.GetArrayLength() == 0)
            throw RequestObject.WrongType("messages", "an array of at least one message", all);
        var (messages, open) = (new List<ChatMessage>(), new List<ToolCall>());
        foreach (var (index, element) in all.EnumerateArray().Index())
        {
            var message = ReadMessage(new(element, $"messages[{index}]"), open);
            open.AddRange(message.ToolCalls);
            messages.Add(message);
        }
        return messages;
    }

    private static ChatMessage ReadMessage(RequestObject message, List<ToolCall> open)
    {
        message.RefuseUnknown(Known);
        if (message.Find("images") is { } images && !(images.ValueKind == JsonValueKind.Array && images.GetArrayLength() == 0))
            throw RequestObject.Refuse(message.PathOf("images"), "unsupported_content", $"'{message.PathOf("images")}' is not supported: the models here read text only.");
        string path = message.PathOf("role");
        string role = RequestObject.Text(message.Require("role"), path);
        string content = message.Text("content", int.MaxValue) ?? "";
        string? thinking = message.Text("thinking", int.MaxValue);
        return role switch
        {
            "system" or "user" => new(role, content),
            "assistant" => new(role, content) { ReasoningContent = string.IsNullOrEmpty(thinking) ? null : thinking, ToolCalls = ReadCalls(message, open.Count) },
            "tool" => ReadResult(message, content, open),
            _ => throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': {RequestObject.Shorten(message.Require("role"))}; "
                + "expected one of 'system', 'user', 'assistant' and 'tool'."),
        };
    }

    private static ChatMessage ReadResult(RequestObject message, string content, List<ToolCall> open)
    {
        string? name = message.Text("tool_name", LongestName), id = message.Text("tool_call_id", LongestName);
        int answered = open.FindIndex(call => id is not null ? call.Id == id : name is null || call.Name == name);
        if (answered < 0)
            return new("tool", content) { Name = name };
        var call = open[answered];
        open.RemoveAt(answered);
        return new("tool", content) { Name = call.Name, ToolCallId = call.Id };
    }

    private static List<ToolCall> ReadCalls(RequestObject message, int before)
    {
        if (message.Find("tool_calls") is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array)
            throw RequestObject.WrongType(message.PathOf("tool_calls"), "an array of calls", value);
        return [.. value.EnumerateArray().Select((element, index) => ReadCall(new(element, $"{message.PathOf("tool_calls")}[{index}]"), before + index))];
    }

    private static ToolCall ReadCall(RequestObject call, int number)
    {
        call.RefuseUnknown(CallFields);
        var function = new RequestObject(call.Require("function"), call.PathOf("function"));
        function.RefuseUnknown(FunctionFields);
        string name = RequestObject.Text(function.Require("name"), function.PathOf("name"), LongestName);
        var arguments = new RequestObject(function.Require("arguments"), function.PathOf("arguments"));
        return new(call.Text("id", LongestName) is { Length: > 0 } id ? id : $"call_{number}", name, arguments.Json.GetRawText());
    }
}
