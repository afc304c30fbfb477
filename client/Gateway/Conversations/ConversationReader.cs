using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Conversations;

/// <summary>Turns bodies of the conversations' endpoints into what they mean, or refuses them naming the field.</summary>
internal static class ConversationReader
{
    private const int LongestTitle = 200;
    private const int LongestSystem = 64 * 1024;

    private static readonly FrozenSet<string> Changes = new[] { "title", "system", "head" }.ToFrozenSet();
    private static readonly FrozenSet<string> Creation = new[] { "title", "system" }.ToFrozenSet();
    private static readonly FrozenSet<string> Fork = new[] { "message", "title" }.ToFrozenSet();
    private static readonly FrozenSet<string> Continuation = new[] { "max_tokens", "stream" }.ToFrozenSet();

    /// <summary>Fields of this endpoint's own; all others are those of chat completions.</summary>
    private static readonly string[] Own = ["content", "parent", "system", "stream"];

    /// <summary>Of chat completions, but without a meaning where the conversation holds the messages and every message is text.</summary>
    private static readonly string[] Foreign = ["messages", "n", "user", "stream_options", "tools", "tool_choice", "parallel_tool_calls", "functions",
        "function_call", "logprobs", "top_logprobs"];

    public static Transcript ReadNew(JsonElement body, string owner, DateTimeOffset now)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(Creation);
        return new() { Owner = owner, Title = Title(request), System = System(request) is { Length: > 0 } system ? system : null, Created = now, Updated = now };
    }

    public static TranscriptChange ReadChange(JsonElement body)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(Changes);
        return new(Title(request), System(request), (int?)request.Integer("head", 1, int.MaxValue));
    }

    public static (int Message, string? Title) ReadFork(JsonElement body)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(Fork);
        request.Require("message");
        return ((int)request.Integer("message", 1, int.MaxValue)!.Value, Title(request));
    }

    public static (int? MaxTokens, bool Stream) ReadContinuation(JsonElement body)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(Continuation);
        return ((int?)request.Integer("max_tokens", 1, int.MaxValue), request.Boolean("stream") ?? true);
    }

    public static (TranscriptPost Post, bool Stream) ReadPost(JsonElement body, string owner, DateTimeOffset now)
    {
        var request = new RequestObject(body);
        foreach (string name in Foreign)
            if (request.Find(name) is not null)
                throw RequestObject.Refuse(name, "unsupported_parameter", $"'{name}' is not possible in a conversation. Use POST /v1/chat/completions for it.");
        string? content = request.Text("content", int.MaxValue);
        if (content is { } text && string.IsNullOrWhiteSpace(text))
            throw RequestObject.Refuse("content", "invalid_value", "Invalid 'content': there is nothing in it. Leave it out to have 'parent' answered once more.");
        int? parent = (int?)request.Integer("parent", 0, int.MaxValue);
        if (content is null && parent is null)
            throw RequestObject.Refuse("content", "missing_required_parameter", "Missing required parameter: 'content', or 'parent' to have that message answered once more.");
        using var chat = JsonDocument.Parse(AsChat(body, content).ToJsonString());
        var call = ChatRequestReader.Read(chat.RootElement, owner, now);
        return (new(parent, content, call.Request with { User = owner, Messages = [] }, System(request)), request.Boolean("stream") ?? true);
    }

    /// <summary>The same settings as a request for chat completions, so that there is one reader of them.</summary>
    private static JsonObject AsChat(JsonElement body, string? content)
    {
        var chat = JsonObject.Create(body)!;
        foreach (string name in Own)
            chat.Remove(name);
        chat["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = content ?? "." });
        chat["stream"] = true;
        return chat;
    }

    private static string? Title(RequestObject request)
    {
        string? title = request.Text("title", LongestTitle)?.Trim();
        return title is not "" ? title : throw RequestObject.Refuse("title", "invalid_value", "Invalid 'title': it is empty.");
    }

    private static string? System(RequestObject request) => request.Text("system", LongestSystem);
}
