using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Turns the body of POST /v1/chat/completions into a <see cref="ChatCall"/>, or refuses it naming the field.</summary>
internal static class ChatRequestReader
{
    private const int LongestName = 256;
    private const int MostStops = 16;
    private const int LongestStop = 256;

    private static readonly FrozenSet<string> StreamOptions = new[] { "include_usage", "include_obfuscation" }.ToFrozenSet();

    /// <summary>What the server itself gives the template: a variable of that name would put unchecked text in its place.</summary>
    private static readonly FrozenSet<string> OwnVariables =
        new[]
        {
            "messages", "tools", "add_generation_prompt",
            "bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token",
        }.ToFrozenSet();

    /// <param name="anonymous">Whose turn it is in the fair queue when the request names no user.</param>
    /// <param name="now">When it was asked.</param>
    /// <exception cref="Errors.ApiException">400: the first thing that is wrong.</exception>
    public static ChatCall Read(JsonElement body, string anonymous, DateTimeOffset now)
    {
        var request = new RequestObject(body);
        ChatFields.RefuseOthers(request);
        string model = RequestObject.Text(request.Require("model"), "model", LongestName);
        if (request.Integer("n", 1, int.MaxValue) > 1)
            throw RequestObject.Refuse("n", "unsupported_parameter", "'n' above 1 is not supported yet. Send the request n times.");
        bool stream = request.Boolean("stream") ?? false;
        bool includeUsage = ReadIncludeUsage(request, stream);
        string user = request.Text("user", LongestName) is { Length: > 0 } name ? "user:" + name : anonymous;
        var chat = new ChatRequest(model, MessageReader.Read(request), SamplingReader.Read(request), ReadMaxTokens(request),
            ReadStop(request), ReadVariables(request), user, stream ? Keep.UntilDelivered : Keep.Nothing, now, includeUsage,
            ConstraintReader.Read(request));
        return new(chat, stream);
    }

    private static bool ReadIncludeUsage(RequestObject request, bool stream)
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

    private static int? ReadMaxTokens(RequestObject request)
    {
        long? older = request.Integer("max_tokens", 1, int.MaxValue);
        long? newer = request.Integer("max_completion_tokens", 1, int.MaxValue);
        if (older is not null && newer is not null && older != newer)
            throw RequestObject.Refuse("max_tokens", "invalid_value",
                $"Invalid 'max_tokens': {older}, but 'max_completion_tokens' is {newer}. They mean the same; send one.");
        return (int?)(newer ?? older);
    }

    private static string[] ReadStop(RequestObject request)
    {
        if (request.Find("stop") is not { } value)
            return [];
        if (value.ValueKind == JsonValueKind.String)
            return [ReadStopText(value, "stop")];
        if (value.ValueKind != JsonValueKind.Array)
            throw RequestObject.WrongType("stop", "a string or an array of strings", value);
        if (value.GetArrayLength() > MostStops)
            throw RequestObject.Refuse("stop", "array_above_max_length",
                $"Invalid 'stop': {value.GetArrayLength()} strings, but at most {MostStops} are possible.");
        return [.. value.EnumerateArray().Select((text, index) => ReadStopText(text, $"stop[{index}]"))];
    }

    private static string ReadStopText(JsonElement value, string path)
    {
        string text = RequestObject.Text(value, path, LongestStop);
        return text.Length > 0 ? text
            : throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': an empty string would stop every answer at once.");
    }

    private static string? ReadVariables(RequestObject request)
    {
        var variables = new JsonObject();
        if (request.Find("chat_template_kwargs") is { } value)
        {
            var given = new RequestObject(value, "chat_template_kwargs");
            if (given.Names.FirstOrDefault(OwnVariables.Contains) is { } own)
                throw RequestObject.Refuse(given.PathOf(own), "invalid_value",
                    $"Invalid '{given.PathOf(own)}': the server sets '{own}' itself.");
            variables = JsonObject.Create(given.Json)!;
        }
        if (request.Boolean("enable_thinking") is { } thinking && !variables.TryAdd("enable_thinking", thinking))
            throw RequestObject.Refuse("enable_thinking", "invalid_value",
                "Invalid 'enable_thinking': it is in 'chat_template_kwargs' too. Send it once.");
        return variables.Count == 0 ? null : variables.ToJsonString();
    }
}
