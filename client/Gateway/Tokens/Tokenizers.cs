using SmolCluster.Contracts;
using SmolCluster.Gateway.Models;

namespace SmolCluster.Gateway.Tokens;

/// <summary>The tokenizers of the cluster's models.</summary>
internal sealed class Tokenizers(IGrainFactory grains, ModelPlaces places)
{
    public Task<TokenizedText> EncodeAsync(string model, string text, bool addBegin, bool parseSpecial) =>
        places.CallAsync(model, () => New().Encode(model, text, addBegin, parseSpecial));

    public Task<TokenizedText> EncodeChatAsync(ChatRequest request) => places.CallAsync(request.Model, () => New().EncodeChat(request));

    public Task<IReadOnlyList<byte[]>> DecodeAsync(string model, IReadOnlyList<int> tokens) => places.CallAsync(model, () => New().Decode(model, tokens));

    private ITokenizerGrain New() => grains.GetGrain<ITokenizerGrain>(Guid.NewGuid().ToString("N"));
}
