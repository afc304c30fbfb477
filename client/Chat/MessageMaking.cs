using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using SmolCluster.Contracts;
using ChatMessage = SmolCluster.Contracts.ChatMessage;

namespace SmolCluster.Chat;

/// <summary>From Microsoft.Extensions.AI's messages to the cluster's: a message's parts in one, and each tool's result in one of its own.</summary>
internal static class MessageMaking
{
    /// <param name="instructions">Put in front as the system's; null: none.</param>
    /// <exception cref="NotSupportedException">A role or a content that no model here understands.</exception>
    public static List<ChatMessage> Of(IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, string? instructions)
    {
        var made = new List<ChatMessage>();
        var called = new Dictionary<string, string>(StringComparer.Ordinal);
        if (instructions is not null) made.Add(new("system", instructions));
        foreach (var message in messages) made.AddRange(Of(message, called));
        return made.Count > 0 ? made : throw new ArgumentException("There are no messages to answer: send at least one.", nameof(messages));
    }

    /// <param name="called">Names of the functions called so far, by the call's id.</param>
    private static List<ChatMessage> Of(Microsoft.Extensions.AI.ChatMessage message, Dictionary<string, string> called)
    {
        StringBuilder text = new(), reasoning = new();
        List<ToolCall> calls = [];
        List<ChatMessage> results = [];
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case TextContent part: text.Append(part.Text); break;
                case TextReasoningContent part: reasoning.Append(part.Text); break;
                case FunctionCallContent call:
                    called[call.CallId] = call.Name;
                    calls.Add(new(call.CallId, call.Name, JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), ChatJson.Options)));
                    break;
                case FunctionResultContent result:
                    results.Add(new("tool", Text(result.Result)) { ToolCallId = result.CallId, Name = called.GetValueOrDefault(result.CallId) });
                    break;
                case UsageContent: break; // of an answer that is sent back
                default: throw new NotSupportedException($"A message has a {content.GetType().Name}; this client takes text, reasoning, function calls and their results.");
            }
        }
        if (text.Length == 0 && reasoning.Length == 0 && calls.Count == 0 && results.Count > 0) return results;
        var own = new ChatMessage(Role(message.Role), text.ToString())
        {
            ReasoningContent = reasoning.Length > 0 ? reasoning.ToString() : null,
            ToolCalls = calls,
            Name = message.AuthorName,
        };
        return [own, .. results];
    }

    private static string Role(ChatRole role) => role.Value switch
    {
        "developer" => "system",
        "system" or "user" or "assistant" or "tool" => role.Value,
        _ => throw new NotSupportedException($"A message has the role '{role.Value}'; expected system, user, assistant or tool."),
    };

    private static string Text(object? result) => result switch
    {
        null => "",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } json => json.GetString()!,
        _ => JsonSerializer.Serialize(result, ChatJson.Options),
    };
}
