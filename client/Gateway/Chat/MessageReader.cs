using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Reads "messages": roles, and content as a string or as parts of text, which are joined with nothing in between.</summary>
internal static class MessageReader
{
    private static readonly FrozenSet<string> Known =
        new[] { "role", "content", "name", "tool_call_id", "tool_calls", "function_call", "refusal", "audio", "annotations" }.ToFrozenSet();

    private static readonly FrozenSet<string> PartFields = new[] { "type", "text" }.ToFrozenSet();

    /// <summary>Fields of OpenAI's own answers, which clients send back as they got them: nothing in them, nothing lost.</summary>
    private static readonly string[] OnlyEmpty = ["tool_calls", "function_call", "refusal", "audio", "annotations", "name"];

    public static List<ChatMessage> Read(RequestObject request)
    {
        var messages = request.Require("messages");
        if (messages.ValueKind != JsonValueKind.Array)
            throw RequestObject.WrongType("messages", "an array of messages", messages);
        if (messages.GetArrayLength() == 0)
            throw RequestObject.Refuse("messages", "empty_array", "Invalid 'messages': it must hold at least one message.");
        return [.. messages.EnumerateArray().Select((message, index) => ReadMessage(new(message, $"messages[{index}]")))];
    }

    private static ChatMessage ReadMessage(RequestObject message)
    {
        message.RefuseUnknown(Known);
        string role = ReadRole(message);
        foreach (string name in OnlyEmpty)
            if (message.Find(name) is { } value && !(value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0))
                throw RequestObject.Refuse(message.PathOf(name), "unsupported_parameter",
                    $"'{message.PathOf(name)}' is not supported yet. Send the message without it.");
        if (message.Text("tool_call_id", 256) is not null && role != "tool")
            throw RequestObject.Refuse(message.PathOf("tool_call_id"), "invalid_value",
                $"Invalid '{message.PathOf("tool_call_id")}': only messages of role 'tool' have one.");
        return new(role, ReadContent(message));
    }

    private static string ReadRole(RequestObject message)
    {
        string path = message.PathOf("role");
        string role = RequestObject.Text(message.Require("role"), path);
        return role switch
        {
            "system" or "developer" => "system",
            "user" or "assistant" or "tool" => role,
            _ => throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': {RequestObject.Shorten(message.Require("role"))}; "
                + "expected one of 'system', 'developer', 'user', 'assistant' and 'tool'."),
        };
    }

    private static string ReadContent(RequestObject message)
    {
        var content = message.Require("content");
        string path = message.PathOf("content");
        return content.ValueKind switch
        {
            JsonValueKind.String => content.GetString()!,
            JsonValueKind.Array => ReadParts(content, path),
            _ => throw RequestObject.WrongType(path, "a string or an array of text parts", content),
        };
    }

    private static string ReadParts(JsonElement parts, string path)
    {
        if (parts.GetArrayLength() == 0)
            throw RequestObject.Refuse(path, "empty_array", $"Invalid '{path}': it must hold at least one part.");
        var text = new StringBuilder();
        int index = 0;
        foreach (var element in parts.EnumerateArray())
            text.Append(ReadPart(new(element, $"{path}[{index++}]")));
        return text.ToString();
    }

    private static string ReadPart(RequestObject part)
    {
        string type = RequestObject.Text(part.Require("type"), part.PathOf("type"));
        if (type != "text")
            throw RequestObject.Refuse(part.PathOf("type"), "unsupported_content",
                $"Invalid '{part.PathOf("type")}': {RequestObject.Shorten(part.Require("type"))} parts are not supported; the models here "
                + "read text only, in parts of type 'text'.");
        part.RefuseUnknown(PartFields);
        return RequestObject.Text(part.Require("text"), part.PathOf("text"));
    }
}
