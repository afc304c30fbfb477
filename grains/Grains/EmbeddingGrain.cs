using SmolCluster.Answering;
using SmolCluster.Contracts;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains.Placement;

namespace SmolCluster.Grains;

/// <summary>A door to the hidden states of this silo's models; it lives for one call.</summary>
[PlaceByLoad]
internal sealed class EmbeddingGrain(ModelHost models) : Grain, IEmbeddingGrain
{
    public async Task<EmbeddedText> Embed(string model, RawPrompt input, string user, CancellationToken cancellation)
    {
        DeactivateOnIdle();
        var opened = models.Get(model);
        int[] tokens = await PromptTokens.Run(() => PromptTokens.Continue(input, opened), cancellation);
        if (tokens.Length >= opened.Card.ContextLength)
            throw new ChatException(ChatError.ContextLengthExceeded,
                $"This model's context is {opened.Card.ContextLength} tokens, and an input may have one less; yours has {tokens.Length}. Shorten it.");
        return new(await Embed(opened, tokens, user, cancellation), tokens.Length);
    }

    private static async Task<float[]> Embed(IChatModel model, int[] tokens, string user, CancellationToken cancellation)
    {
        try
        {
            return await model.Embed(tokens, user, cancellation);
        }
        catch (NotSupportedException)
        {
            throw new ChatException(ChatError.NotSupported, $"The model '{model.Card.Id}' has no hidden states, so it cannot embed. Use another model.");
        }
        catch (QueueFullException full)
        {
            throw new ChatException(ChatError.QueueFull, full.Message) { RetryAfter = TimeSpan.FromSeconds(5) };
        }
        catch (Exception problem) when (problem is ObjectDisposedException or StageLostException)
        {
            throw new ChatException(ChatError.Interrupted, $"The model '{model.Card.Id}' is being unloaded on this silo. Send the request again.");
        }
        catch (InvalidOperationException failure)
        {
            throw new ChatException(ChatError.ModelFailed, $"The model '{model.Card.Id}' failed: {failure.Message}");
        }
    }
}
