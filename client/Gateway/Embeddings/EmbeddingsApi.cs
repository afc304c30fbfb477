using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Keys;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Embeddings;

/// <summary>POST /v1/embeddings: the mean of the last hidden states of each input's tokens, scaled to length 1. The models here were trained to write: as
/// embeddings these tell like from unlike, and less well than those of a model made for it.</summary>
internal static class EmbeddingsApi
{
    public static void MapEmbeddings(this IEndpointRouteBuilder routes) => routes.MapPost("/v1/embeddings", Embed);

    private static async Task<JsonHttpResult<EmbeddingList>> Embed(
        HttpContext http, IGrainFactory grains, ModelPlaces places, ModelDirectory models, KeyUsages usages, IOptions<GatewayOptions> options)
    {
        models.ThrowIfConnecting();
        EmbeddingCall call;
        using (var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes))
            call = EmbeddingReader.Read(body.RootElement, http.QueueUser()).AskedBy(http);
        var texts = await EmbedAsync(call, grains, places, usages, http.RequestAborted);
        int tokens = texts.Sum(text => text.Tokens);
        return TypedResults.Json(new EmbeddingList([.. texts.Select((text, index) => new Embedding(index, Write(text.Vector, call.Base64)))],
            call.Model, new(tokens, tokens)), GatewayJson.Default.EmbeddingList);
    }

    /// <summary>All inputs side by side, charged to whoever asks.</summary>
    public static async Task<EmbeddedText[]> EmbedAsync(EmbeddingCall call, IGrainFactory grains, ModelPlaces places, KeyUsages usages, CancellationToken cancellation)
    {
        var texts = await Task.WhenAll(call.Inputs.Select(input => places.CallAsync(call.Model, () =>
            grains.GetGrain<IEmbeddingGrain>(Guid.NewGuid().ToString("N")).Embed(call.Model, input, call.User, cancellation))));
        usages.Charge(call.User, texts.Sum(text => text.Tokens));
        return texts;
    }

    /// <summary>As numbers, or as the base64 of little-endian 32-bit floats.</summary>
    private static JsonElement Write(float[] vector, bool base64) => base64
        ? JsonSerializer.SerializeToElement(Convert.ToBase64String(MemoryMarshal.AsBytes(vector.AsSpan())), GatewayJson.Default.String)
        : JsonSerializer.SerializeToElement(vector, GatewayJson.Default.SingleArray);
}

internal sealed record EmbeddingList(IReadOnlyList<Embedding> Data, string Model, EmbeddingUsage Usage)
{
    public string Object { get; } = "list";
}

internal sealed record Embedding(int Index, [property: System.Text.Json.Serialization.JsonPropertyName("embedding")] JsonElement Vector)
{
    public string Object { get; } = "embedding";
}

internal sealed record EmbeddingUsage(int PromptTokens, int TotalTokens);
