using System.Collections.Frozen;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Turns the body of POST /v1/chat/completions into a <see cref="ChatCall"/>, or refuses it naming the field.</summary>
internal static class ChatRequestReader
{
    private const int LongestName = 256;
    private const int MostChoices = 16;

    private static readonly FrozenSet<string> StreamOptions = new[] { "include_usage", "include_obfuscation" }.ToFrozenSet();

    /// <param name="anonymous">Whose turn it is in the fair queue when the request names no user.</param>
    /// <param name="now">When it was asked.</param>
    /// <exception cref="Errors.ApiException">400: the first thing that is wrong.</exception>
    public static ChatCall Read(JsonElement body, string anonymous, DateTimeOffset now)
    {
        var request = new RequestObject(body);
        ChatFields.RefuseOthers(request);
        string model = ReadModel(request);
        int choices = ReadChoices(request);
        bool stream = request.Boolean("stream") ?? false;
        bool includeUsage = ReadIncludeUsage(request, stream);
        int? maxTokens = LengthReader.ReadMaxTokens(request);
        var chat = new ChatRequest(model, MessageReader.Read(request), SamplingReader.Read(request), maxTokens,
            LengthReader.ReadStop(request), VariablesReader.Read(request), ReadUser(request, anonymous), KeepFor(stream, choices), now, includeUsage)
        {
            Tools = ToolReader.Read(request),
            Thinking = ThinkingReader.Read(request),
            Constraint = ConstraintReader.Read(request),
            TopLogprobs = LogprobsReader.Read(request),
            MinTokens = LengthReader.ReadMinTokens(request, maxTokens),
            TruncatePrompt = ReadTruncation(request),
        };
        return new(chat, stream, choices);
    }

    public static string ReadModel(RequestObject request) => RequestObject.Text(request.Require("model"), "model", LongestName);

    public static int ReadChoices(RequestObject request) => (int)(request.Integer("n", 1, MostChoices) ?? 1);

    public static string ReadUser(RequestObject request, string anonymous) =>
        request.Text("user", LongestName) is { Length: > 0 } name ? "user:" + name : anonymous;

    /// <summary>Several choices come as they come: such a stream has no order that another gateway could go on with.</summary>
    public static Keep KeepFor(bool stream, int choices) => stream && choices == 1 ? Keep.UntilDelivered : Keep.Nothing;

    public static bool ReadIncludeUsage(RequestObject request, bool stream)
    {
        if (request.Find("stream_options") is not { } value)
            return false;
        var options = new RequestObject(value, "stream_options");
        if (!stream)
            throw RequestObject.Refuse("stream_options", "invalid_value", "Invalid 'stream_options': only with 'stream': true.");
        options.RefuseUnknown(StreamOptions);
        if (options.Boolean("include_obfuscation") == true)
            throw RequestObject.Refuse("stream_options.include_obfuscation", "unsupported_parameter",
                "'stream_options.include_obfuscation' is not supported. Send the request without it.");
        return options.Boolean("include_usage") ?? false;
    }

    /// <summary>As in OpenAI's responses: "auto" leaves out the oldest messages of a prompt that is too long.</summary>
    private static bool ReadTruncation(RequestObject request) => request.Find("truncation") switch
    {
        null => false,
        { ValueKind: JsonValueKind.String } value when value.ValueEquals("disabled") => false,
        { ValueKind: JsonValueKind.String } value when value.ValueEquals("auto") => true,
        { } other => throw RequestObject.Refuse("truncation", "invalid_value",
            $"Invalid 'truncation': {RequestObject.Shorten(other)}; expected 'disabled' or 'auto'."),
    };
}
