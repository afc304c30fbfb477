using System.Collections.Frozen;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Tokens;

/// <param name="Chat">What is to be tokenized, or <paramref name="Text"/>.</param>
internal sealed record TokenizeCall(string Model, ChatRequest? Chat, string? Text, bool AddBegin, bool ParseSpecial, bool WithPieces);

/// <summary>Reads the bodies of /tokenize and /detokenize. A "prompt" is tokenized as POST /v1/completions would, with the token that texts begin with
/// and without parsing special tokens; a "content" as llama.cpp does, the other way round; both may be told otherwise.</summary>
internal static class TokenizeReader
{
    private const int MostTokens = 1 << 20;

    private static readonly FrozenSet<string> Fields = new[]
    {
        "model", "prompt", "content", "messages", "tools", "chat_template_kwargs", "enable_thinking", "add_special_tokens", "add_special", "parse_special",
        "return_token_strs", "with_pieces", "add_generation_prompt",
    }.ToFrozenSet();

    private static readonly string[] Inputs = ["prompt", "content", "messages"];

    private static readonly FrozenSet<string> TokenFields = new[] { "model", "tokens" }.ToFrozenSet();

    /// <param name="only">The model where none is named; null: it must be.</param>
    public static TokenizeCall Read(JsonElement body, string? only, DateTimeOffset now)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(Fields);
        string model = only ?? ChatRequestReader.ReadModel(request);
        bool pieces = request.Boolean("return_token_strs") ?? request.Boolean("with_pieces") ?? false;
        if (request.Boolean("add_generation_prompt") == false)
            throw RequestObject.Refuse("add_generation_prompt", "unsupported_parameter", "'add_generation_prompt': false is not supported: prompts always ask for an answer.");
        string[] given = [.. Inputs.Where(name => request.Find(name) is not null)];
        if (given.Length != 1)
            throw RequestObject.Refuse("prompt", "missing_required_parameter", "Send one of 'prompt', 'content' and 'messages'.");
        if (given[0] == "messages")
        {
            var chat = new ChatRequest(model, MessageReader.Read(request), new SamplingSettings(), null, [], VariablesReader.Read(request), "", Keep.Nothing, now)
            {
                Tools = ToolReader.Read(request),
                Thinking = ThinkingReader.Read(request),
            };
            return new(model, chat, null, false, false, pieces);
        }
        bool content = given[0] == "content";
        return new(model, null, request.Text(given[0], int.MaxValue), request.Boolean("add_special_tokens") ?? request.Boolean("add_special") ?? !content,
            request.Boolean("parse_special") ?? content, pieces);
    }

    public static (string Model, int[] Tokens) ReadDetokenize(JsonElement body, string? only)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(TokenFields);
        return (only ?? ChatRequestReader.ReadModel(request), ReadTokens(request.Require("tokens"), "tokens"));
    }

    /// <summary>An array of token ids, within any vocabulary's range.</summary>
    public static int[] ReadTokens(JsonElement tokens, string path)
    {
        if (tokens.ValueKind != JsonValueKind.Array)
            throw RequestObject.WrongType(path, "an array of token ids", tokens);
        if (tokens.GetArrayLength() > MostTokens)
            throw RequestObject.Refuse(path, "array_above_max_length", $"Invalid '{path}': {tokens.GetArrayLength()} tokens, but at most {MostTokens} are possible.");
        return [.. tokens.EnumerateArray().Select((token, index) => token.ValueKind == JsonValueKind.Number && token.TryGetInt32(out int id) && id >= 0 ? id
            : throw RequestObject.Refuse($"{path}[{index}]", "invalid_type", $"Invalid '{path}[{index}]': {RequestObject.Shorten(token)} is no token id, a whole number from 0 on."))];
    }
}
