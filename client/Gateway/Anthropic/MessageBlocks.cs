using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Anthropic;

/// <summary>Reads "system" and "messages": content as a string or as blocks of text, thinking, tool_use and tool_result. A user's message
/// becomes one message for each tool result in it, and then one of its text; an assistant's becomes one.</summary>
internal sealed class MessageBlocks
{
    private const int LongestName = 256;

    private static readonly FrozenSet<string> MessageFields = new[] { "role", "content" }.ToFrozenSet();
    private static readonly FrozenDictionary<string, FrozenSet<string>> BlockFields = new Dictionary<string, FrozenSet<string>>
    {
        ["text"] = new[] { "type", "text", "cache_control", "citations" }.ToFrozenSet(),
        ["thinking"] = new[] { "type", "thinking", "signature" }.ToFrozenSet(),
        ["tool_use"] = new[] { "type", "id", "name", "input", "cache_control", "caller" }.ToFrozenSet(),
        ["tool_result"] = new[] { "type", "tool_use_id", "content", "is_error", "cache_control" }.ToFrozenSet(),
    }.ToFrozenDictionary();

    private readonly List<ChatMessage> messages = [];
    private readonly Dictionary<string, string> calls = new(StringComparer.Ordinal); // id to name

    /// <exception cref="Errors.ApiException">400: the first thing that is wrong.</exception>
    public static IReadOnlyList<ChatMessage> Read(RequestObject request)
    {
        var read = new MessageBlocks();
        if (request.Find("system") is { } system && Text(system, "system") is { Length: > 0 } told)
            read.messages.Add(new("system", told));
        var all = request.Require("messages");
        if (all.ValueKind != JsonValueKind.Array || all.GetArrayLength() == 0)
            throw RequestObject.WrongType("messages", "an array of at least one message", all);
        foreach (var (index, message) in all.EnumerateArray().Index())
            read.Add(new RequestObject(message, $"messages[{index}]"));
        if (read.messages[^1].Role == "assistant")
        {
            string path = $"messages[{all.GetArrayLength() - 1}].role";
            throw RequestObject.Refuse(path, "unsupported_parameter",
                $"'{path}' is 'assistant', and it is the last message: to begin its answer for it is not supported. End with a user's message.");
        }
        return read.messages;
    }

    private void Add(RequestObject message)
    {
        message.RefuseUnknown(MessageFields);
        string role = RequestObject.Text(message.Require("role"), message.PathOf("role"));
        if (role is not ("user" or "assistant" or "system"))
            throw RequestObject.Refuse(message.PathOf("role"), "invalid_value", $"Invalid '{message.PathOf("role")}': '{role}'; expected 'user' or 'assistant'.");
        var content = message.Require("content");
        string path = message.PathOf("content");
        if (content.ValueKind == JsonValueKind.String)
        {
            messages.Add(new(role, content.GetString()!));
            return;
        }
        if (content.ValueKind != JsonValueKind.Array || content.GetArrayLength() == 0)
            throw RequestObject.WrongType(path, "a string or an array of at least one block", content);
        AddBlocks(role, content, path);
    }

    private void AddBlocks(string role, JsonElement blocks, string path)
    {
        var (text, thinking, uses, results) = (new StringBuilder(), new StringBuilder(), new List<ToolCall>(), messages.Count);
        foreach (var (index, element) in blocks.EnumerateArray().Index())
        {
            var block = new RequestObject(element, $"{path}[{index}]");
            string type = TypeOf(block, role);
            if (type == "text")
                text.Append(RequestObject.Text(block.Require("text"), block.PathOf("text")));
            else if (type == "thinking")
                thinking.Append(RequestObject.Text(block.Require("thinking"), block.PathOf("thinking")));
            else if (type == "tool_use")
                uses.Add(ReadUse(block));
            else
                messages.Add(ReadResult(block));
        }
        if (text.Length > 0 || messages.Count == results)
            messages.Add(new(role, text.ToString()) { ReasoningContent = thinking.Length > 0 ? thinking.ToString() : null, ToolCalls = uses });
    }

    private static string TypeOf(RequestObject block, string role)
    {
        string path = block.PathOf("type");
        string type = RequestObject.Text(block.Require("type"), path);
        if (!BlockFields.TryGetValue(type, out var fields))
            throw RequestObject.Refuse(path, "unsupported_content", $"Invalid '{path}': blocks of type {RequestObject.Shorten(block.Require("type"))} are not supported; "
                + $"there are {string.Join(", ", BlockFields.Keys.Order())}.");
        if (type != "text" && role != (type == "tool_result" ? "user" : "assistant"))
            throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': a message of role '{role}' has no '{type}' block.");
        block.RefuseUnknown(fields);
        return type;
    }

    private ToolCall ReadUse(RequestObject block)
    {
        string id = RequestObject.Text(block.Require("id"), block.PathOf("id"), LongestName);
        string name = RequestObject.Text(block.Require("name"), block.PathOf("name"), LongestName);
        var input = new RequestObject(block.Require("input"), block.PathOf("input"));
        if (!calls.TryAdd(id, name))
            throw RequestObject.Refuse(block.PathOf("id"), "invalid_value", $"Invalid '{block.PathOf("id")}': another tool_use block has this id.");
        return new(id, name, input.Json.GetRawText());
    }

    private ChatMessage ReadResult(RequestObject block)
    {
        string path = block.PathOf("tool_use_id");
        string id = RequestObject.Text(block.Require("tool_use_id"), path, LongestName);
        if (!calls.TryGetValue(id, out string? name))
            throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': no tool_use block before it has this id.");
        string text = block.Find("content") is { } content ? Text(content, block.PathOf("content")) : "";
        // the templates know no failed call: the model reads it in the words
        return new("tool", block.Boolean("is_error") == true ? "Error: " + text : text) { ToolCallId = id, Name = name };
    }

    /// <summary>A string, or blocks of text with nothing in between.</summary>
    private static string Text(JsonElement content, string path)
    {
        if (content.ValueKind != JsonValueKind.Array)
            return RequestObject.Text(content, path);
        var text = new StringBuilder();
        foreach (var (index, element) in content.EnumerateArray().Index())
        {
            var block = new RequestObject(element, $"{path}[{index}]");
            if (RequestObject.Text(block.Require("type"), block.PathOf("type")) != "text")
                throw RequestObject.Refuse(block.PathOf("type"), "unsupported_content", $"Invalid '{block.PathOf("type")}': only blocks of type 'text' are possible here.");
            block.RefuseUnknown(BlockFields["text"]);
            text.Append(RequestObject.Text(block.Require("text"), block.PathOf("text")));
        }
        return text.ToString();
    }
}
