using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Pipeline;

namespace SmolCluster.Engine.Serving;

/// <summary>What a node may decide about a model it serves. None of it can change an answer's tokens, except the KV type.</summary>
public sealed record EngineOptions
{
    /// <summary>The name clients use; null: the file's name without extension.</summary>
    public string? ModelId { get; init; }

    public ModelKind Kind { get; init; } = ModelKind.Real;

    /// <summary>Tokens of prompt and answer at most; null: the model's own limit. Never more than the cache holds.</summary>
    public int? ContextLength { get; init; }

    /// <summary>Threads of a forward step; null: one a processor.</summary>
    public int? Threads { get; init; }

    /// <summary>Whether those threads stay each on a processor of its own: for machines that do nothing else.</summary>
    public bool PinThreads { get; init; }

    /// <summary>Where the twins of weights lie that make decoding fast (<see cref="Models.RowTwin"/>): of the size of each model's
    /// file, made when it is first loaded. Null: none, weights are read as they lie in their file.</summary>
    public string? TwinFolder { get; init; }

    /// <summary>Bytes of a model's file below which it gets no twin.</summary>
    public long TwinLeastBytes { get; init; } = Models.RowTwin.LeastBytes;

    public KvType KvType { get; init; } = KvType.F16;

    /// <summary>Bytes of KV pages at most, taken from the system as they are needed; null: half of the memory that the
    /// machine has left beside the model's file.</summary>
    public long? CacheBytes { get; init; }

    /// <summary>Where the other layers are, if this node has the first ones only; their keys and values then have a number of pages that
    /// all nodes can keep, whatever <see cref="CacheBytes"/> says, and there is no twin. Null: all of the model is here.</summary>
    public PipelineOptions? Pipeline { get; init; }

    /// <summary>Whether answers share the pages of equal beginnings and pages stay after their answer until their room is
    /// needed; <see cref="PrefixIndex"/> says what others could learn from it.</summary>
    public bool PrefixCache { get; init; } = true;

    /// <summary>Whether texts that repeat are guessed ahead and the guesses verified in the batch: faster, never different.</summary>
    public bool Speculation { get; init; } = true;

    /// <summary>Sequences in the batch at most.</summary>
    public int MaxSequences { get; init; } = 32;

    /// <summary>Requests that wait for the batch at most; one more is refused, and so is one of a user who has taken as many of
    /// these places as are left.</summary>
    public int MaxQueue { get; init; } = 256;

    /// <summary>Tokens a step at most.</summary>
    public int StepTokens { get; init; } = 128;

    /// <summary>What a template's strftime_now reads.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <exception cref="ArgumentOutOfRangeException">A number is out of range; the message names it.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(ContextLength ?? 1, 1, nameof(ContextLength));
        ArgumentOutOfRangeException.ThrowIfLessThan(Threads ?? 1, 1, nameof(Threads));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Threads ?? 1, 1024, nameof(Threads));
        ArgumentOutOfRangeException.ThrowIfLessThan(CacheBytes ?? 1, 1, nameof(CacheBytes));
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSequences, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxQueue, 1);
        // every sequence decodes in every step, and a prefill must find room beside them
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(StepTokens, MaxSequences);
    }
}
