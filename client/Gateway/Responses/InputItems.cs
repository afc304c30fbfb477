using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Responses;

/// <summary>Reads "input": a user's text, or items (messages, function calls and their outputs, reasoning), and shows messages as items
/// again. Reasoning, text and calls of the assistant that follow each other are one message.</summary>
internal sealed class InputItems
{
    private const int LongestName = 256;

    private static readonly FrozenDictionary<string, FrozenSet<string>> Fields = new Dictionary<string, FrozenSet<string>>
    {
        ["message"] = new[] { "type", "id", "role", "content", "status", "phase" }.ToFrozenSet(),
        ["function_call"] = new[] { "type", "id", "call_id", "name", "arguments", "status" }.ToFrozenSet(),
        ["function_call_output"] = new[] { "type", "id", "call_id", "output", "status" }.ToFrozenSet(),
        ["reasoning"] = new[] { "type", "id", "summary", "content", "encrypted_content", "status" }.ToFrozenSet(),
    }.ToFrozenDictionary();

    private static readonly FrozenSet<string> TextParts = new[] { "input_text", "output_text", "reasoning_text", "text" }.ToFrozenSet();
    private static readonly FrozenSet<string> PartFields = new[] { "type", "text", "annotations", "logprobs" }.ToFrozenSet();

    private readonly List<ChatMessage> messages = [];
    private ChatMessage? assistant;

    /// <exception cref="Errors.ApiException">400: the first thing that is wrong.</exception>
    public static IReadOnlyList<ChatMessage> Read(RequestObject request)
    {
        var input = request.Require("input");
        if (input.ValueKind == JsonValueKind.String)
            return [new("user", input.GetString()!)];
        if (input.ValueKind != JsonValueKind.Array || input.GetArrayLength() == 0)
            throw RequestObject.WrongType("input", "a string or an array of at least one item", input);
        var read = new InputItems();
        foreach (var (index, item) in input.EnumerateArray().Index())
            read.Add(new RequestObject(item, $"input[{index}]"));
        read.EndAssistant();
        return read.messages;
    }

    /// <summary>Messages as items, with ids that are the same each time.</summary>
    public static IEnumerable<JsonObject> Show(string response, IEnumerable<ChatMessage> messages)
    {
        int index = 0;
        foreach (var message in messages)
        {
            if (message.Role == "tool")
            {
                yield return new() { ["id"] = Id("fco"), ["type"] = "function_call_output", ["call_id"] = message.ToolCallId, ["output"] = message.Content, ["status"] = "completed" };
                continue;
            }
            if (message.ReasoningContent is { Length: > 0 } reasoning)
                yield return ResponseObject.Reasoning(Id("rs"), reasoning, "completed");
            if (message.Content.Length > 0 || message.ToolCalls.Count == 0)
                yield return new()
                {
                    ["id"] = Id("msg"),
                    ["type"] = "message",
                    ["role"] = message.Role,
                    ["status"] = "completed",
                    ["content"] = new JsonArray(message.Role == "assistant" ? ResponseObject.TextPart(message.Content)
                        : new JsonObject { ["type"] = "input_text", ["text"] = message.Content }),
                };
            foreach (var call in message.ToolCalls)
                yield return ResponseObject.Call(Id("fc"), call, "completed");
        }

        string Id(string kind) => ResponseId.Item(kind, response, 10_000 + index++); // apart from the output's
    }

    private void Add(RequestObject item)
    {
        string type = item.Text("type", LongestName) ?? "message";
        if (!Fields.TryGetValue(type, out var fields))
            throw RequestObject.Refuse(item.PathOf("type"), "unsupported_content", $"Invalid '{item.PathOf("type")}': items of type {RequestObject.Shorten(item.Require("type"))} "
                + $"are not supported; there are {string.Join(", ", Fields.Keys.Order())}.");
        item.RefuseUnknown(fields);
        if (type == "message")
            AddMessage(item);
        else if (type == "function_call")
            Assistant = Assistant with { ToolCalls = [.. Assistant.ToolCalls, ReadCall(item)] };
        else if (type == "function_call_output")
            AddOutput(item);
        else if (item.Find("encrypted_content") is not null)
            throw RequestObject.Refuse(item.PathOf("encrypted_content"), "unsupported_parameter", $"'{item.PathOf("encrypted_content")}' is another server's, and cannot be read here.");
        else if (item.Find("content") is { } content)
            Assistant = Assistant with { ReasoningContent = Assistant.ReasoningContent + Text(content, item.PathOf("content")) };
    }

    private ChatMessage Assistant
    {
        get => assistant ??= new("assistant", "");
        set => assistant = value;
    }

    private void AddMessage(RequestObject item)
    {
        string path = item.PathOf("role");
        string role = RequestObject.Text(item.Require("role"), path);
        string text = Text(item.Require("content"), item.PathOf("content"));
        if (role is not ("user" or "system" or "developer" or "assistant"))
            throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': '{role}'; expected one of 'user', 'system', 'developer' and 'assistant'.");
        if (role == "assistant")
        {
            if (Assistant.Content.Length > 0 || Assistant.ToolCalls.Count > 0)
                EndAssistant();
            Assistant = Assistant with { Content = text };
            return;
        }
        EndAssistant();
        messages.Add(new(role == "user" ? role : "system", text));
    }

    private void AddOutput(RequestObject item)
    {
        EndAssistant();
        string id = RequestObject.Text(item.Require("call_id"), item.PathOf("call_id"), LongestName);
        string? name = messages.SelectMany(message => message.ToolCalls).LastOrDefault(call => call.Id == id)?.Name;
        messages.Add(new("tool", Text(item.Require("output"), item.PathOf("output"))) { ToolCallId = id, Name = name });
    }

    private static ToolCall ReadCall(RequestObject item) => new(
        RequestObject.Text(item.Require("call_id"), item.PathOf("call_id"), LongestName),
        RequestObject.Text(item.Require("name"), item.PathOf("name"), LongestName),
        RequestObject.Text(item.Require("arguments"), item.PathOf("arguments")));

    private void EndAssistant()
    {
        if (assistant is not null)
            messages.Add(assistant);
        assistant = null;
    }

    private static string Text(JsonElement content, string path)
    {
        if (content.ValueKind != JsonValueKind.Array)
            return RequestObject.Text(content, path);
        var text = new StringBuilder();
        foreach (var (index, element) in content.EnumerateArray().Index())
        {
            var part = new RequestObject(element, $"{path}[{index}]");
            if (!TextParts.Contains(RequestObject.Text(part.Require("type"), part.PathOf("type"))))
                throw RequestObject.Refuse(part.PathOf("type"), "unsupported_content", $"Invalid '{part.PathOf("type")}': {RequestObject.Shorten(part.Require("type"))} parts are not "
                    + "supported; the models here read text only.");
            part.RefuseUnknown(PartFields);
            text.Append(RequestObject.Text(part.Require("text"), part.PathOf("text")));
        }
        return text.ToString();
    }
}
