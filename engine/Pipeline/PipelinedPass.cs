using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Pipeline;

/// <summary>What a node needs to know that has the first layers and reaches the others.</summary>
/// <param name="Own">The first layers.</param>
/// <param name="Pages">Of keys and values, the same number at every stage.</param>
/// <param name="Activations">How hidden states cross.</param>
/// <param name="Links">To the stages that follow, in order.</param>
public sealed record PipelineOptions(LayerRange Own, int Pages, ActivationType Activations, IReadOnlyList<IStageLink> Links)
{
    /// <summary>See <see cref="StepParts"/>.</summary>
    public int PartTokens { get; init; } = StepParts.FewestTokens;
}

/// <summary>
/// A forward pass whose layers lie on several nodes. This one has the first layers, embedding and head, the batch loop and the book of
/// the pages; it sends hidden states to each stage and gets them back, so that stages know nothing of each other. A step goes in
/// parts (<see cref="StepParts"/>), each on its way before the next is computed here. A stage that fails once is lost, and so is this:
/// its pages are gone, and all that was computed with them.
/// </summary>
/// <param name="own">Of the first layers; disposed by whoever made it.</param>
/// <param name="embedding">The model's embedding length.</param>
internal sealed class PipelinedPass(Transformer own, PipelineOptions options, int embedding) : IForwardPass
{
    /// <summary>Bytes of a part's hidden states at most: far below the 100 MB over which Orleans drops a message.</summary>
    private const int MostBytes = 16 << 20;

    private readonly int _most = Math.Max(1, MostBytes / HiddenRows.Bytes(options.Activations, embedding));
    private long _sent;
    private StageLostException? _lost;

    public int MaxTokens => own.MaxTokens;

    /// <exception cref="StageLostException">A stage did not do its part, now or before.</exception>
    public void Forward(ReadOnlySpan<BatchSlice> slices, Span<float> logits)
    {
        if (_lost is not null)
        {
            throw _lost;
        }

        List<BatchSlice[]> parts = StepParts.Of(slices, options.PartTokens, _most);
        Task<byte[]>[] flows = [.. parts.Select(Begin)];
        byte[][] hidden = Await(flows);
        int at = 0, tokens = parts.Sum(static part => part.Sum(static slice => slice.Tokens.Length));
        for (int i = 0; i < parts.Count; i++)
        {
            int length = parts[i].Sum(static slice => slice.Tokens.Length) * embedding;
            HiddenRows.Read(options.Activations, hidden[i], own.Hidden(tokens).Slice(at, length));
            at += length;
        }

        own.Finish(slices, logits);
    }

    public void Dispose() { }

    private Task<byte[]> Begin(BatchSlice[] part)
    {
        StageSlice[] slices = [.. part.Select(static slice => new StageSlice(slice.Sequence.Length, slice.Tokens.Length,
            slice.Sequence.Numbers(KvLayout.Pages(slice.Sequence.Length + slice.Tokens.Length))))];
        own.RunLayers(part);
        int tokens = part.Sum(static slice => slice.Tokens.Length);
        return Through(new StageStep(_sent++, slices, HiddenRows.Write(options.Activations, own.Hidden(tokens))));
    }

    private async Task<byte[]> Through(StageStep step)
    {
        foreach (IStageLink link in options.Links)
        {
            step = step with { Hidden = await link.Run(step).ConfigureAwait(false) };
        }

        return step.Hidden;
    }

    private byte[][] Await(Task<byte[]>[] flows)
    {
        try
        {
            // the batch loop's own thread: there is nothing else for it to do
            return Task.WhenAll(flows).GetAwaiter().GetResult();
        }
        catch (Exception failure)
        {
            throw _lost = new StageLostException($"A part of the model is lost: {failure.Message}", failure);
        }
    }
}
