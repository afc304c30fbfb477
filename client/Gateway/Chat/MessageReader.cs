using System.Collections.Frozen;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Reads "messages": roles, content, reasoning, and an assistant's tool calls.</summary>
internal static class MessageReader
{
    private const int LongestName = 256;

    private static readonly FrozenSet<string> Known = new[]
    {
        "role", "content", "name", "tool_call_id", "tool_calls", "reasoning_content", "reasoning", "function_call", "refusal", "audio", "annotations",
    }.ToFrozenSet();

    /// <summary>Fields of OpenAI's own answers, which clients send back as they got them: nothing in them, nothing lost.</summary>
    private static readonly string[] OnlyEmpty = ["function_call", "refusal", "audio", "annotations"];

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
                    $"'{message.PathOf(name)}' is not supported. Send the message without it.");
        var calls = ToolCallReader.Read(message);
        Only(message, "tool_calls", "assistant", role, calls.Count > 0);
        return new(role, calls.Count > 0 ? ContentReader.ReadOptional(message) : ContentReader.Read(message))
        {
            ToolCalls = calls,
            ToolCallId = ReadOnly(message, "tool_call_id", "tool", role, LongestName),
            ReasoningContent = ReadReasoning(message, role),
            Name = message.Text("name", LongestName),
        };
    }

    /// <summary>Servers of open models call it one or the other, and some clients send back both.</summary>
    private static string? ReadReasoning(RequestObject message, string role) =>
        ReadOnly(message, "reasoning_content", "assistant", role) ?? ReadOnly(message, "reasoning", "assistant", role);

    private static string? ReadOnly(RequestObject message, string name, string owner, string role, int longest = int.MaxValue)
    {
        string? text = message.Text(name, longest);
        Only(message, name, owner, role, text is not null);
        return text;
    }

    private static void Only(RequestObject message, string name, string owner, string role, bool there)
    {
        if (there && role != owner)
            throw RequestObject.Refuse(message.PathOf(name), "invalid_value",
                $"Invalid '{message.PathOf(name)}': only messages of role '{owner}' have it.");
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
}
