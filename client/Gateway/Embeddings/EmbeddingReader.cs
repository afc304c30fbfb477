using System.Collections.Frozen;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Completions;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Embeddings;

/// <param name="Base64">Whether vectors leave as base64 and not as numbers.</param>
internal sealed record EmbeddingCall(string Model, IReadOnlyList<RawPrompt> Inputs, bool Base64, string User);

/// <summary>Turns the body of POST /v1/embeddings into an <see cref="EmbeddingCall"/>, or refuses it naming the field.</summary>
internal static class EmbeddingReader
{
    private static readonly FrozenSet<string> Fields = new[] { "model", "input", "encoding_format", "dimensions", "user" }.ToFrozenSet();

    /// <param name="anonymous">Whose turn it is in the fair queue when the request names no user.</param>
    /// <exception cref="Errors.ApiException">400: the first thing that is wrong.</exception>
    public static EmbeddingCall Read(JsonElement body, string anonymous)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(Fields);
        if (request.Find("dimensions") is not null)
            throw RequestObject.Refuse("dimensions", "unsupported_parameter",
                "'dimensions' is not supported: the models here were not trained to have their vectors cut. Send the request without it.");
        return new(ChatRequestReader.ReadModel(request), CompletionReader.ReadPrompts(request.Require("input"), "input"), ReadBase64(request),
            ChatRequestReader.ReadUser(request, anonymous));
    }

    private static bool ReadBase64(RequestObject request) => request.Text("encoding_format", 64) switch
    {
        null or "float" => false,
        "base64" => true,
        _ => throw RequestObject.Refuse("encoding_format", "invalid_value", "Invalid 'encoding_format': expected 'float' or 'base64'."),
    };
}
