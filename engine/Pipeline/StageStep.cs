namespace SmolCluster.Engine.Pipeline;

/// <summary>Some consecutive tokens of one sequence, as a stage sees them.</summary>
/// <param name="Position">Of the first.</param>
/// <param name="Count">At least one.</param>
/// <param name="Pages">The sequence's page table up to the last of these tokens, by number.</param>
public readonly record struct StageSlice(int Position, int Count, int[] Pages);

/// <summary>What a stage computes, and all that it must know of it: it keeps pages of keys and values, and nothing about sequences.</summary>
/// <param name="Number">Among all that it was ever given, from 0: they are computed in this order, however they arrive.</param>
/// <param name="Slices">Each sequence at most once.</param>
/// <param name="Hidden">[T][E] after the layers before, as <see cref="HiddenRows"/> writes them.</param>
public sealed record StageStep(long Number, StageSlice[] Slices, byte[] Hidden);

/// <summary>The way to a stage on another node.</summary>
public interface IStageLink
{
    /// <returns>[T][E] after the stage's layers.</returns>
    /// <exception cref="Exception">Of any kind: the stage is lost.</exception>
    Task<byte[]> Run(StageStep work);
}

/// <summary>A part of the model is not there any more: what was computed is lost, and what comes of it can be had where all parts are.</summary>
public sealed class StageLostException(string message, Exception cause) : Exception(message, cause);
