using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Completions;
using SmolCluster.Gateway.Embeddings;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Ollama;

/// <summary>Turns the bodies of /api/chat and /api/generate into a <see cref="ChatCall"/>, or refuses them naming the field. Both stream
/// unless they are told not to.</summary>
internal static class OllamaRequestReader
{
    private const int LongestName = 256;

    public static readonly FrozenSet<string> ChatKnown =
        new[] { "model", "messages", "tools", "stream", "format", "options", "think", "keep_alive", "truncate", "shift" }.ToFrozenSet();

    public static readonly FrozenSet<string> EmbedKnown = new[] { "model", "input", "truncate", "dimensions", "options", "keep_alive" }.ToFrozenSet();

    public static readonly FrozenSet<string> GenerateKnown = new[]
    {
        "model", "prompt", "suffix", "images", "system", "template", "context", "raw", "stream", "format", "options", "think", "keep_alive", "truncate", "shift",
    }.ToFrozenSet();

    /// <param name="queueUser">Whose turn it is in the fair queue.</param>
    public static ChatCall ReadChat(JsonElement body, string queueUser, DateTimeOffset now)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(ChatKnown);
        return Call(request, OllamaMessages.Read(request), queueUser, now, chat => chat with { Tools = ReadTools(request) });
    }

    /// <returns>A call without prompt asks only whether the model is there: null.</returns>
    public static ChatCall? ReadGenerate(JsonElement body, string queueUser, DateTimeOffset now, out string model)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(GenerateKnown);
        foreach (string name in new[] { "suffix", "template", "context", "images" })
            if (request.Find(name) is { } value && !IsEmpty(value))
                throw Unsupported(name);
        model = ReadModel(request);
        string prompt = request.Text("prompt", int.MaxValue) ?? "";
        if (prompt.Length == 0)
            return null;
        if (request.Boolean("raw") == true)
        {
            if (request.Text("system", int.MaxValue) is { Length: > 0 })
                throw RequestObject.Refuse("system", "invalid_value", "Invalid 'system': with 'raw' there is no template that it could go into.");
            return Call(request, [], queueUser, now, chat => chat with { Prompt = new RawPrompt(prompt, null) });
        }
        List<ChatMessage> messages = [new("user", prompt)];
        if (request.Text("system", int.MaxValue) is { Length: > 0 } system)
            messages.Insert(0, new("system", system));
        return Call(request, messages, queueUser, now, chat => chat);
    }

    /// <summary>The body of /api/embed.</summary>
    public static EmbeddingCall ReadEmbed(JsonElement body, string queueUser)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(EmbedKnown);
        if (request.Find("dimensions") is not null)
            throw Unsupported("dimensions");
        if (request.Boolean("truncate") == true)
            throw Unsupported("truncate");
        _ = OllamaOptions.From(request);
        return new(ReadModel(request), CompletionReader.ReadPrompts(request.Require("input"), "input"), Base64: false, queueUser);
    }

    /// <summary>Ollama's clients say "name:latest" where they mean "name".</summary>
    public static string ReadModel(RequestObject request, string field = "model")
    {
        string model = RequestObject.Text(request.Require(field), field, LongestName);
        return model.EndsWith(":latest", StringComparison.Ordinal) ? model[..^":latest".Length] : model;
    }

    private static ChatCall Call(RequestObject request, IReadOnlyList<ChatMessage> messages, string queueUser, DateTimeOffset now, Func<ChatRequest, ChatRequest> more)
    {
        request.Boolean("shift"); // an answer ends where the context does, and its reason says so
        bool stream = request.Boolean("stream") ?? true;
        var (sampling, most, stops) = OllamaOptions.From(request);
        var chat = new ChatRequest(ReadModel(request), messages, sampling, most, stops, null, queueUser, stream ? Keep.UntilDelivered : Keep.Nothing, now)
        {
            Thinking = ReadThink(request),
            Constraint = ReadFormat(request),
            TruncatePrompt = request.Boolean("truncate") ?? false,
        };
        return new(more(chat), stream);
    }

    private static AnswerConstraint? ReadFormat(RequestObject request) => request.Find("format") switch
    {
        null => null,
        { ValueKind: JsonValueKind.String } word when word.ValueEquals("") => null,
        { ValueKind: JsonValueKind.String } word when word.ValueEquals("json") => new(AnswerConstraintKind.Json, "", "format"),
        { ValueKind: JsonValueKind.Object } => ConstraintReader.ReadSchema(request, "format"),
        { } other => throw RequestObject.Refuse("format", "invalid_value", $"Invalid 'format': {RequestObject.Shorten(other)}; expected \"json\" or a JSON schema."),
    };

    private static ThinkingSettings ReadThink(RequestObject request) => request.Find("think") switch
    {
        null => new(),
        { ValueKind: JsonValueKind.True } => new(Enabled: true),
        { ValueKind: JsonValueKind.False } => new(Enabled: false),
        { ValueKind: JsonValueKind.String } level when level.GetString() is "low" or "medium" or "high" => ThinkingReader.Of(level.GetString(), "think") with { Enabled = true },
        { } other => throw RequestObject.Refuse("think", "invalid_value", $"Invalid 'think': {RequestObject.Shorten(other)}; expected true, false, \"low\", \"medium\" or \"high\"."),
    };

    private static ToolSettings? ReadTools(RequestObject request) => request.Find("tools") is { } tools
        ? ToolReader.Read(new(JsonElement.Parse(new JsonObject { ["tools"] = JsonNode.Parse(tools.GetRawText()) }.ToJsonString()))) : null;

    private static bool IsEmpty(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.ValueEquals(""),
        JsonValueKind.Array => value.GetArrayLength() == 0,
        _ => false,
    };

    private static Errors.ApiException Unsupported(string name) => RequestObject.Refuse(name, "unsupported_parameter",
        $"'{name}' is not supported yet, and leaving it out would change the answer. Send the request without it.");
}
