using System.Threading.Channels;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Serving;

/// <summary>A request in the batch: its tokens, its cache and its reader. Owned by the batch loop's thread, but for
/// <see cref="Cancel"/>.</summary>
internal sealed class SequenceRun
{
    private readonly Channel<int> _output;
    private readonly TaskCompletionSource<int> _prefillStarted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action _wake;
    private int[] _tokens;
    private volatile bool _cancelled;

    /// <param name="request">What to generate.</param>
    /// <param name="cache">Empty.</param>
    /// <param name="wake">Called when a cancellation waits to be seen.</param>
    public SequenceRun(GenerationRequest request, KvSequence cache, Action wake)
    {
        Request = request;
        Cache = cache;
        _wake = wake;
        _tokens = request.Tokens;
        Count = _tokens.Length;
        // one reader, one writer, and at most MaxTokens items: bounded without ever making the batch loop wait
        _output = Channel.CreateUnbounded<int>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    }

    public GenerationRequest Request { get; }

    public KvSequence Cache { get; }

    /// <summary>Tokens known: prompt and generated.</summary>
    public int Count { get; private set; }

    public int Generated => Count - Request.Tokens.Length;

    /// <summary>Tokens whose keys and values are not computed yet: 1 while decoding.</summary>
    public int Pending => Count - Cache.Length;

    public bool Cancelled => _cancelled;

    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    private ReadOnlyMemory<int> Known => _tokens.AsMemory(0, Count);

    public Generation ToGeneration() => new(_output.Reader, _prefillStarted.Task, Cancel);

    /// <summary>Takes what is computed already of the pending tokens, by whomever.</summary>
    public void Adopt() => Cache.Adopt(Known);

    /// <summary>Lets others take what a step has computed.</summary>
    public void Publish() => Cache.Publish(Known);

    /// <summary>Whether <paramref name="other"/> is about to compute what this could take from it.</summary>
    public bool CanAwait(SequenceRun other) => Cache.CanAwait(Known, other.Cache, other.Known);

    /// <summary>The next <paramref name="count"/> pending tokens, with logits where they are the last known.</summary>
    public BatchSlice Slice(int count)
    {
        _prefillStarted.TrySetResult(Math.Min(Cache.Length, Request.PromptLength));
        return new(Cache, _tokens.AsMemory(Cache.Length, count), count == Pending ? LogitRows.Last : LogitRows.None);
    }

    public void Append(int token)
    {
        if (Count == _tokens.Length)
        {
            Array.Resize(ref _tokens, Math.Max(Count + 64, Count + Count / 2));
        }

        _tokens[Count++] = token;
        _output.Writer.TryWrite(token);
    }

    /// <summary>Leaves the cache and ends the reader's stream, with an error if there was one.</summary>
    public void End(Exception? failure = null)
    {
        Cache.Dispose();
        _prefillStarted.TrySetResult(0);
        _output.Writer.TryComplete(failure);
    }

    private void Cancel()
    {
        _cancelled = true;
        _wake();
    }
}
