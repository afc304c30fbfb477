using SmolCluster.Answering;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains.Placement;

namespace SmolCluster.Grains;

/// <summary>A door to the tokenizers of this silo's models; it lives for one call.</summary>
[PlaceByLoad]
internal sealed class TokenizerGrain(ModelHost models) : Grain, ITokenizerGrain
{
    public async Task<TokenizedText> EncodeChat(ChatRequest request)
    {
        var model = Open(request.Model);
        var (tokens, _) = await PromptTokens.Of(request, model, CancellationToken.None);
        return new(tokens, model.Card.ContextLength);
    }

    public async Task<TokenizedText> Encode(string model, string text, bool addBegin, bool parseSpecial)
    {
        var opened = Open(model);
        int[] tokens = await PromptTokens.Run(() => opened.EncodeText(text, addBegin, parseSpecial), CancellationToken.None);
        return new(tokens, opened.Card.ContextLength);
    }

    public Task<IReadOnlyList<byte[]>> Decode(string model, IReadOnlyList<int> tokens)
    {
        var opened = Open(model);
        PromptTokens.RequireKnown(tokens, opened);
        return Task.FromResult<IReadOnlyList<byte[]>>([.. tokens.Select(token => opened.Bytes(token).ToArray())]);
    }

    private IChatModel Open(string model)
    {
        DeactivateOnIdle();
        return models.Get(model);
    }
}
