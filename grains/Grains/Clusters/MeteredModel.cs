using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using SmolCluster.Engine.Sampling.Constraints;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text;

namespace SmolCluster.Grains.Clusters;

/// <summary>A model with counters around it: what runs and waits, for whom, and the tokens that went through. Here and not in the
/// engine, because it is the same for every kind of model.</summary>
internal sealed class MeteredModel(IChatModel inner) : IChatModel
{
    private sealed record Ticket(string User)
    {
        public volatile bool Prefilled;
    }

    private readonly ConcurrentDictionary<long, Ticket> _open = new();
    private long _tickets, _prompt, _cached, _sampled;

    /// <summary>The model itself.</summary>
    public IChatModel Inner => inner;

    public ModelCard Card => inner.Card;

    public int VocabularyLength => inner.VocabularyLength;

    public int LongestToken => inner.LongestToken;

    public KvExchange? Exchange => inner.Exchange;

    /// <summary>Since the start: tokens of prompts whose turn came, those of them from the cache, and tokens of answers.</summary>
    public (long Prompt, long Cached, long Sampled) Tokens => (Interlocked.Read(ref _prompt), Interlocked.Read(ref _cached), Interlocked.Read(ref _sampled));

    /// <summary>For each user that has any: answers in the batch, and answers that wait.</summary>
    public IReadOnlyList<(string User, int Running, int Waiting)> Users =>
        [.. _open.Values.GroupBy(ticket => ticket.User, StringComparer.Ordinal).OrderBy(own => own.Key, StringComparer.Ordinal)
            .Select(own => (own.Key, own.Count(ticket => ticket.Prefilled), own.Count(ticket => !ticket.Prefilled)))];

    public int[] EncodeChat(JsonObject context, DateTimeOffset? now = null) => inner.EncodeChat(context, now);

    public int[] EncodeText(string text, bool addBegin, bool parseSpecial) => inner.EncodeText(text, addBegin, parseSpecial);

    public ReadOnlySpan<byte> Bytes(int token) => inner.Bytes(token);

    public AnswerForm Form => inner.Form;

    public ReadOnlySpan<byte> VisibleBytes(int token) => inner.VisibleBytes(token);

    public bool EndsAnswer(int token) => inner.EndsAnswer(token);

    public Task<float[]> Embed(int[] tokens, string user, CancellationToken cancellation) => inner.Embed(tokens, user, cancellation);

    public TokenConstraint Compile(ConstraintSource source, ReadOnlySpan<int> prompt) => inner.Compile(source, prompt);

    public Generation Submit(GenerationRequest request)
    {
        var generation = inner.Submit(request);
        long number = Interlocked.Increment(ref _tickets);
        var ticket = _open[number] = new(request.User);
        generation.CachedTokens.ContinueWith(cached => Prefilled(number, ticket, request.PromptLength, cached.Result), CancellationToken.None,
            TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        // the channel completes with the last token, and its Completion with the last read: whoever cancels does not read on
        generation.Tokens.Completion.ContinueWith(_ => _open.TryRemove(number, out var _), TaskScheduler.Default);
        return generation with
        {
            Tokens = new Counted(generation.Tokens, this),
            Ahead = () => ticket.Prefilled ? null : _open.Count(other => other.Key < number && !other.Value.Prefilled),
            Cancel = () => { _open.TryRemove(number, out var _); generation.Cancel(); },
        };
    }

    public void Dispose() => inner.Dispose();

    private void Prefilled(long number, Ticket ticket, int prompt, int cached)
    {
        if (!_open.ContainsKey(number)) return; // left before its turn came
        ticket.Prefilled = true;
        Interlocked.Add(ref _prompt, prompt);
        Interlocked.Add(ref _cached, cached);
    }

    /// <summary>Counts what is read.</summary>
    private sealed class Counted(ChannelReader<int> tokens, MeteredModel meter) : ChannelReader<int>
    {
        public override Task Completion => tokens.Completion;

        public override bool TryRead(out int item)
        {
            if (!tokens.TryRead(out item)) return false;
            Interlocked.Increment(ref meter._sampled);
            return true;
        }

        public override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) => tokens.WaitToReadAsync(cancellationToken);
    }
}
