using System.Threading.Channels;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Sampling.Constraints;

namespace SmolCluster.Engine.Serving;

/// <summary>A request in the batch: its tokens, its cache and its reader. Owned by the batch loop's thread, but for
/// <see cref="Cancel"/>.</summary>
internal sealed class SequenceRun
{
    private readonly Channel<int> _output;
    private readonly Channel<TokenLogprobs>? _logprobs;
    private readonly TaskCompletionSource<int> _prefillStarted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action _wake;
    private readonly PromptLookup? _lookup;
    private int[] _tokens;  // [known][drafted]
    private int _drafted;
    private volatile bool _cancelled;

    /// <param name="request">What to generate.</param>
    /// <param name="cache">Empty.</param>
    /// <param name="wake">Called when the loop may have to do something: a cancellation waits to be seen, or what a draw waited for is there.</param>
    /// <param name="speculation">Whether it may draft tokens.</param>
    public SequenceRun(GenerationRequest request, KvSequence cache, Action wake, bool speculation)
    {
        _lookup = speculation && request.Speculation ? new PromptLookup() : null;
        Request = request;
        Constraint = request.Constraint is { } constraint ? new ConstrainedAnswer(constraint, wake) : null;
        Cache = cache;
        _wake = wake;
        _tokens = request.Tokens;
        Count = _tokens.Length;
        Trace = SequenceTrace.Of(request);
        // one reader, one writer, and at most MaxTokens items: bounded without ever making the batch loop wait
        _output = Channel.CreateUnbounded<int>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        _logprobs = request.TopLogprobs is null ? null : Channel.CreateUnbounded<TokenLogprobs>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
    }

    public GenerationRequest Request { get; }

    /// <summary>When it came, by <see cref="System.Diagnostics.Stopwatch"/>.</summary>
    public long Submitted { get; } = System.Diagnostics.Stopwatch.GetTimestamp();

    /// <summary>Null: nobody traces it.</summary>
    public SequenceTrace? Trace { get; }

    /// <summary>What the answer keeps to, and where in it the answer stands.</summary>
    public ConstrainedAnswer? Constraint { get; }

    public KvSequence Cache { get; }

    /// <summary>Tokens known: prompt and generated.</summary>
    public int Count { get; private set; }

    public int Generated => Count - Request.Tokens.Length;

    /// <summary>Tokens whose keys and values are not computed yet: 1 while decoding.</summary>
    public int Pending => Count - Cache.Length;

    public bool Cancelled => _cancelled;

    /// <summary>Whether it is not known yet which tokens its constraint allows, so that a step with it would be for nothing.</summary>
    public bool Waits => Constraint is { Waits: true };

    public bool HasEnded { get; private set; }

    /// <summary>Whether it has been in the batch.</summary>
    public bool WasAdmitted { get; set; }

    /// <summary>The number of the last step that it was in.</summary>
    public long LastStep { get; set; }

    private ReadOnlyMemory<int> Known => _tokens.AsMemory(0, Count);

    public Generation ToGeneration() => new(_output.Reader, _prefillStarted.Task, Cancel) { Logprobs = _logprobs?.Reader };

    /// <summary>Takes what is computed already of the pending tokens, by whomever.</summary>
    public void Adopt()
    {
        // hidden states are kept nowhere: who wants them computes all
        if (Request.Pool is null)
        {
            Cache.Adopt(Known);
        }
    }

    /// <summary>Lets others take what a step has computed.</summary>
    public void Publish() => Cache.Publish(Known);

    /// <summary>Whether <paramref name="other"/> is about to compute what this could take from it.</summary>
    public bool CanAwait(SequenceRun other) => Request.Pool is null && Cache.CanAwait(Known, other.Cache, other.Known);

    /// <summary>While decoding: writes up to <paramref name="most"/> tokens that may come next behind those known; returns how many.
    /// Together with the one that a step draws in any case they stay within the request's MaxTokens.</summary>
    public int Draft(int most)
    {
        int length = _lookup is null ? 0 : Math.Min(Math.Min(most, _lookup.Reach(Count)), Request.MaxTokens - Generated - 1);
        int from = length > 0 ? _lookup!.Find(_tokens.AsSpan(0, Count)) : 0;
        if (from == 0)
        {
            return 0;
        }

        MakeRoom(length);
        for (int i = 0; i < length; i++)
        {
            _tokens[Count + i] = _tokens[from + i]; // past the end it goes on with its own beginning, as a loop does
        }

        return Constraint?.Allowed(Answer(length), length) ?? length;
    }

    /// <summary>The next <paramref name="count"/> tokens to compute. The last known one has logits; where there are more than
    /// are pending, the rest are drafted, and all have.</summary>
    public BatchSlice Slice(int count)
    {
        _prefillStarted.TrySetResult(Math.Min(Cache.Length, Request.PromptLength));
        _drafted = Math.Max(0, count - Pending);
        Constraint?.Ask(Answer(_drafted), _drafted);
        if (Request.Pool is { } pool)
        {
            if (Cache.Length == 0)
            {
                pool.Restart();
            }

            return new(Cache, _tokens.AsMemory(0, Count).Slice(Cache.Length, count), LogitRows.None, pool, Request.Adapter);
        }

        LogitRows logits = _drafted > 0 ? LogitRows.All : count == Pending ? LogitRows.Last : LogitRows.None;
        return new(Cache, _tokens.AsMemory(Cache.Length, count), logits, Adapter: Request.Adapter);
    }

    /// <summary>All known tokens and the first <paramref name="drafted"/> of the draft: what the draw after them depends on.</summary>
    public ReadOnlySpan<int> Tokens(int drafted) => _tokens.AsSpan(0, Count + drafted);

    /// <summary>The same without the prompt: what the answer's constraint looks at.</summary>
    public ReadOnlySpan<int> Answer(int drafted) => Tokens(drafted)[Request.PromptLength..];

    /// <summary>The token that was drawn after those known; true: the draft's <paramref name="place"/>-th says the same, so the
    /// draw after it holds as well.</summary>
    public bool Append(int token, int place, TokenLogprobs? logprobs = null)
    {
        MakeRoom(1);
        bool foretold = place < _drafted && _tokens[Count] == token;
        _tokens[Count++] = token;
        if (logprobs is not null)
        {
            _logprobs!.Writer.TryWrite(logprobs);
        }

        _output.Writer.TryWrite(token);
        return foretold;
    }

    /// <summary>After a step's draws: forgets what was computed for drafted tokens that were not drawn.</summary>
    /// <param name="accepted">Drafted tokens that were drawn.</param>
    public void Settle(int accepted) => Settle(_drafted, accepted);

    /// <summary>After a step that could draw some tokens and then no more, because it was not known yet which its constraint allows: the last
    /// known token is computed again with the draw after it, which says the same then.</summary>
    /// <param name="drawn">Tokens drawn, all of them as drafted.</param>
    public void Postpone(int drawn)
    {
        Settle(drawn, drawn);
        Cache.Truncate(Count - 1);
        Constraint!.Postpone(Answer(0));
    }

    private void Settle(int judged, int accepted)
    {
        if (_drafted > 0)
        {
            Cache.Truncate(Count - 1);
            _drafted = 0;
        }

        if (judged > 0)
        {
            _lookup!.Learn(accepted, Count);
        }
    }

    /// <summary>Leaves the cache and ends the reader's stream, with an error if there was one.</summary>
    public void End(Exception? failure = null)
    {
        HasEnded = true;
        Trace?.Leaves(this, failure);
        Cache.Dispose();
        _prefillStarted.TrySetResult(0);
        _output.Writer.TryComplete(failure);
    }

    private void MakeRoom(int tokens)
    {
        if (Count + tokens > _tokens.Length)
        {
            Array.Resize(ref _tokens, Count + tokens + Math.Max(64, Count / 2));
        }
    }

    private void Cancel()
    {
        _cancelled = true;
        _wake();
    }
}
