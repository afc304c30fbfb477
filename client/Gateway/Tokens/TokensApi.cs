using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Tokens;

/// <summary>POST /tokenize and POST /detokenize, in the forms of vLLM ("prompt" or "messages") and of llama.cpp's server ("content").</summary>
internal static class TokensApi
{
    public static void MapTokens(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/tokenize", Tokenize);
        routes.MapPost("/detokenize", Detokenize);
    }

    private static async Task<JsonHttpResult<Tokenized>> Tokenize(
        HttpContext http, Tokenizers tokenizers, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        TokenizeCall call;
        using (var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes))
            call = TokenizeReader.Read(body.RootElement, await ModelNameAsync(body.RootElement, models), time.GetLocalNow());
        var text = call.Chat is { } chat ? await tokenizers.EncodeChatAsync(chat)
            : await tokenizers.EncodeAsync(call.Model, call.Text!, call.AddBegin, call.ParseSpecial);
        var pieces = call.WithPieces ? (await tokenizers.DecodeAsync(call.Model, text.Tokens)).Select(Encoding.UTF8.GetString).ToArray() : null;
        return TypedResults.Json(new Tokenized(text.Tokens, text.Tokens.Count, text.ContextLength, pieces), GatewayJson.Default.Tokenized);
    }

    private static async Task<JsonHttpResult<Detokenized>> Detokenize(
        HttpContext http, Tokenizers tokenizers, ModelDirectory models, IOptions<GatewayOptions> options)
    {
        models.ThrowIfConnecting();
        string model;
        int[] tokens;
        using (var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes))
            (model, tokens) = TokenizeReader.ReadDetokenize(body.RootElement, await ModelNameAsync(body.RootElement, models));
        byte[] bytes = [.. (await tokenizers.DecodeAsync(model, tokens)).SelectMany(piece => piece)];
        string text = Encoding.UTF8.GetString(bytes);
        return TypedResults.Json(new Detokenized(text, text), GatewayJson.Default.Detokenized);
    }

    /// <summary>llama.cpp's clients name no model: where there is one only, it is that one.</summary>
    private static async Task<string?> ModelNameAsync(JsonElement body, ModelDirectory models)
    {
        if (body.TryGetProperty("model", out var model) && model.ValueKind != JsonValueKind.Null)
            return null;
        return await models.List() is [var only] ? only.Id : null;
    }
}

/// <param name="TokenStrs">Each token as text; null: not asked for.</param>
internal sealed record Tokenized(IReadOnlyList<int> Tokens, int Count, int MaxModelLen, IReadOnlyList<string>? TokenStrs);

/// <summary>The same text under the names of both servers.</summary>
internal sealed record Detokenized(string Prompt, string Content);
