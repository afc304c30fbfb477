using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Pipeline;

namespace SmolCluster.Grains.Stages;

/// <summary>What a silo could do, or does, for a model that is larger than it allows.</summary>
/// <param name="ContentHash">Of its file: only equal ones work together.</param>
/// <param name="BudgetMiB">Of weights at most.</param>
/// <param name="KvBytes">Of keys and values at most.</param>
/// <param name="Hosts">Whether it has the first layers and answers, or is about to.</param>
/// <param name="Serves">Whether it has layers for another silo.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.StageOffer")]
public sealed record StageOffer(
    [property: Id(0)] string ContentHash,
    [property: Id(1)] int BudgetMiB,
    [property: Id(2)] long KvBytes,
    [property: Id(3)] bool Hosts,
    [property: Id(4)] bool Serves);

/// <summary>Layers that a silo is to compute for another.</summary>
/// <param name="Plan">Another each time that layers are shared out: what is left of an earlier one is refused by it.</param>
/// <param name="Host">Who has the first layers and sends the steps.</param>
/// <param name="KvType">The engine's name.</param>
/// <param name="Activations">The engine's name.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.StageOrder")]
public sealed record StageOrder(
    [property: Id(0)] string Model,
    [property: Id(1)] Guid Plan,
    [property: Id(2)] SiloAddress Host,
    [property: Id(3)] string ContentHash,
    [property: Id(4)] int First,
    [property: Id(5)] int Count,
    [property: Id(6)] string KvType,
    [property: Id(7)] int Pages,
    [property: Id(8)] int StepTokens,
    [property: Id(9)] string Activations)
{
    public LayerRange Range => new(First, Count);

    /// <param name="threads">The silo's own.</param>
    /// <param name="pin">Likewise.</param>
    public StageOptions With(int threads, bool pin) => new(ContentHash, Range, Enum.Parse<KvType>(KvType), Pages, StepTokens, Enum.Parse<ActivationType>(Activations), threads, pin);
}

/// <summary>A step of a stage. Slice i takes Counts[i] tokens from Positions[i] on, with the page table Pages[i].</summary>
/// <param name="Hidden">[tokens of all slices][embedding]</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.StageWork")]
public sealed record StageWork(
    [property: Id(0)] string Model,
    [property: Id(1)] Guid Plan,
    [property: Id(2)] long Number,
    [property: Id(3)] int[] Positions,
    [property: Id(4)] int[] Counts,
    [property: Id(5)] int[][] Pages,
    [property: Id(6)] byte[] Hidden)
{
    public static StageWork Of(StageOrder order, StageStep step) => new(order.Model, order.Plan, step.Number,
        [.. step.Slices.Select(slice => slice.Position)], [.. step.Slices.Select(slice => slice.Count)], [.. step.Slices.Select(slice => slice.Pages)], step.Hidden);

    /// <exception cref="ArgumentException">It is not whole.</exception>
    public StageStep ToStep() => Counts.Length == Positions.Length && Pages.Length == Positions.Length
        ? new(Number, [.. Positions.Select((position, i) => new StageSlice(position, Counts[i], Pages[i]))], Hidden)
        : throw new ArgumentException($"A step has {Positions.Length} positions, {Counts.Length} counts and {Pages.Length} page tables; as many of each are expected.");
}
