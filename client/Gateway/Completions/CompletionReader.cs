using System.Collections.Frozen;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Requests;
using SmolCluster.Gateway.Tokens;

namespace SmolCluster.Gateway.Completions;

/// <param name="Prompts">A request each.</param>
/// <param name="Each">How many answers to each prompt.</param>
/// <param name="Echo">Whether the prompt stands before the answer.</param>
internal sealed record CompletionCall(IReadOnlyList<ChatRequest> Prompts, int Each, bool Stream, bool Echo)
{
    /// <summary>Of all answers, those to the same prompt after each other.</summary>
    public IReadOnlyList<ChatRequest> Requests => [.. Prompts.SelectMany(prompt => new ChatCall(prompt, Stream, Each).Requests)];
}

/// <summary>Turns the body of POST /v1/completions into a <see cref="CompletionCall"/>, or refuses it naming the field.</summary>
internal static class CompletionReader
{
    private const int DefaultMaxTokens = 16;
    private const int MostAnswers = 64;
    private const int MostTop = 20;

    private static readonly FrozenSet<string> Fields = new[]
    {
        "model", "prompt", "suffix", "max_tokens", "min_tokens", "temperature", "top_p", "top_k", "min_p", "n", "best_of", "stream", "stream_options", "logprobs",
        "echo", "stop", "presence_penalty", "frequency_penalty", "repetition_penalty", "logit_bias", "seed", "user",
        "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
    }.ToFrozenSet();

    /// <param name="anonymous">Whose turn it is in the fair queue when the request names no user.</param>
    /// <exception cref="Errors.ApiException">400: the first thing that is wrong.</exception>
    public static CompletionCall Read(JsonElement body, string anonymous, DateTimeOffset now)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(Fields);
        int each = ChatRequestReader.ReadChoices(request);
        RefuseUnsupported(request, each);
        bool stream = request.Boolean("stream") ?? false, echo = request.Boolean("echo") ?? false;
        int? top = (int?)request.Integer("logprobs", 0, MostTop);
        if (echo && top is not null)
            throw Unsupported("echo", "'echo' together with 'logprobs'");
        int maxTokens = LengthReader.ReadMaxTokens(request) ?? DefaultMaxTokens;
        var common = new ChatRequest(ChatRequestReader.ReadModel(request), [], SamplingReader.Read(request), maxTokens, LengthReader.ReadStop(request), null,
            ChatRequestReader.ReadUser(request, anonymous), Keep.Nothing, now, ChatRequestReader.ReadIncludeUsage(request, stream))
        {
            TopLogprobs = top,
            MinTokens = LengthReader.ReadMinTokens(request, maxTokens),
        };
        var prompts = ReadPrompts(request.Require("prompt"), "prompt");
        if (prompts.Count * each > MostAnswers)
            throw RequestObject.Refuse("prompt", "array_above_max_length",
                $"Invalid 'prompt': {prompts.Count} prompts with {each} answers each, but at most {MostAnswers} answers are possible at once.");
        return new([.. prompts.Select(prompt => common with { Prompt = prompt })], each, stream, echo);
    }

    private static void RefuseUnsupported(RequestObject request, int each)
    {
        if (request.Text("suffix", int.MaxValue) is { Length: > 0 })
            throw Unsupported("suffix", "'suffix'");
        if ((request.Integer("best_of", 1, int.MaxValue) ?? each) != each)
            throw Unsupported("best_of", "'best_of' other than 'n'");
    }

    private static Errors.ApiException Unsupported(string param, string what) => RequestObject.Refuse(param, "unsupported_parameter",
        $"{what} is not supported, and leaving it out would change the answer. Send the request without it.");

    /// <summary>A text, several, an array of token ids, or several of these.</summary>
    /// <param name="path">The field's name.</param>
    public static List<RawPrompt> ReadPrompts(JsonElement prompt, string path)
    {
        if (prompt.ValueKind == JsonValueKind.String)
            return [new(prompt.GetString(), null)];
        if (prompt.ValueKind != JsonValueKind.Array)
            throw RequestObject.WrongType(path, "a text or token ids, or an array of these", prompt);
        if (prompt.GetArrayLength() == 0)
            throw RequestObject.Refuse(path, "empty_array", $"Invalid '{path}': it must hold at least one token or prompt.");
        if (prompt[0].ValueKind == JsonValueKind.Number)
            return [new(null, TokenizeReader.ReadTokens(prompt, path))];
        if (prompt.GetArrayLength() > MostAnswers)
            throw RequestObject.Refuse(path, "array_above_max_length", $"Invalid '{path}': {prompt.GetArrayLength()} prompts, but at most {MostAnswers} are possible.");
        return [.. prompt.EnumerateArray().Select((one, index) => one.ValueKind == JsonValueKind.String ? new RawPrompt(one.GetString(), null)
            : new RawPrompt(null, TokenizeReader.ReadTokens(one, $"{path}[{index}]")))];
    }
}
