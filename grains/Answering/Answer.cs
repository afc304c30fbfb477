using SmolCluster.Contracts;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Answering;

/// <summary>A piece of an answer and the tokens since the piece before: none if the same token gave that one too.</summary>
/// <param name="Logprobs">Of a text's tokens; null: none were asked for, or it is no text.</param>
internal readonly record struct AnswerPiece(AnswerPart Part, int[] Tokens, TokenLogprobs[]? Logprobs = null);

/// <summary>A running answer: a lease on the model's cache, and its tokens as text, reasoning and calls. It begins with the tokens that are known of
/// it, if any, which are computed as part of the prompt, and goes on with the model's. Whoever leaves, for whatever reason,
/// disposes it, and that alone frees the cache.</summary>
internal sealed class Answer : IDisposable
{
    private readonly IChatModel _model;
    private readonly IReadOnlyList<int> _known;
    private readonly AnswerText _text;
    private readonly List<int> _tokens;
    private readonly List<int> _sinceLastPiece = [];
    private readonly Queue<AnswerPart> _shown = [];
    private readonly List<TokenLogprobs> _logprobs = [];
    private readonly AnswerReading _reading;
    private readonly int[] _prompt;
    private readonly Lock _lock = new(); // for who looks at the tokens from outside of the conversation
    private readonly Generation? _generation;

    /// <param name="plan">The whole answer: its tokens are the prompt.</param>
    /// <param name="known">Tokens of the answer that need not be sampled again.</param>
    /// <exception cref="ChatException">QueueFull, Interrupted, or ModelDiffers: the known tokens are none of this answer.</exception>
    public Answer(IChatModel model, AnswerPlan plan, IReadOnlyList<int> known)
    {
        _model = model;
        _known = known;
        _reading = plan.Reading;
        _prompt = plan.Generation.Tokens;
        _text = new AnswerText(model, _reading);
        _tokens = new List<int>(known.Count);
        if (MoreToSample()) _generation = Submit(model, After(plan.Generation, known));
    }

    /// <summary>stop, length or tool_calls; null while it runs.</summary>
    public string? FinishReason => _shown.Count > 0 ? null : _text.FinishReason;

    /// <summary>The stop string that ended it, if one did.</summary>
    public string? StopSequence => _text.StopSequence;

    /// <summary>Of <see cref="Tokens"/>, those of reasoning.</summary>
    public int ReasoningTokens => _text.ReasoningCount;

    /// <summary>Those behind the pieces so far, and those that have shown nothing yet.</summary>
    public IReadOnlyList<int> Tokens => _tokens;

    /// <summary>How many answers wait for the model that came before this one; null: it does not wait.</summary>
    public int? Ahead => _generation?.Ahead?.Invoke();

    /// <summary>Completes when prefill starts; at once where nothing is left to sample.</summary>
    public Task<int> CachedTokens => _generation?.CachedTokens ?? Task.FromResult(0);

    /// <summary>The next piece; null when the answer has ended, with <see cref="FinishReason"/> set.</summary>
    /// <exception cref="ChatException">ModelFailed: the model could not go on. Interrupted: something other than the caller ended it.</exception>
    /// <exception cref="OperationCanceledException">The caller left.</exception>
    public async ValueTask<AnswerPiece?> Next(CancellationToken cancellation)
    {
        while (_shown.Count == 0 && _text.FinishReason is null)
        {
            // what was held back and turned out to be no text is none of the text's
            if (!_text.InText) _logprobs.Clear();
            foreach (var part in _text.Open ? Take(await NextToken(cancellation)) : _text.End())
                _shown.Enqueue(part);
        }
        if (!_shown.TryDequeue(out var shown)) return null;
        bool told = _generation?.Logprobs is not null && shown.Kind == PartKind.Text;
        var piece = new AnswerPiece(shown, [.. _sinceLastPiece], told ? [.. _logprobs] : null);
        _sinceLastPiece.Clear();
        if (told) _logprobs.Clear();
        return piece;
    }

    public void Dispose() => _generation?.Cancel();

    /// <summary>Prompt and answer so far; at any time, from any thread.</summary>
    public int[] AllTokens()
    {
        lock (_lock) return [.. _prompt, .. _tokens];
    }

    private IReadOnlyList<AnswerPart> Take(int token)
    {
        lock (_lock) _tokens.Add(token);
        _sinceLastPiece.Add(token);
        return _text.Take(token);
    }

    private ValueTask<int> NextToken(CancellationToken cancellation) =>
        _tokens.Count < _known.Count ? new(_known[_tokens.Count]) : Sampled(cancellation);

    private async ValueTask<int> Sampled(CancellationToken cancellation)
    {
        try
        {
            int token = await _generation!.Tokens.ReadAsync(cancellation);
            if (_generation.Logprobs is { } logprobs && logprobs.TryRead(out var likely) && !_model.EndsAnswer(token)) _logprobs.Add(likely);
            return token;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception problem) when (problem is OperationCanceledException or ObjectDisposedException or StageLostException
            or System.Threading.Channels.ChannelClosedException { InnerException: null or OperationCanceledException or ObjectDisposedException or StageLostException })
        {
            cancellation.ThrowIfCancellationRequested();
            throw Interrupted();
        }
        catch (Exception problem)
        {
            var cause = problem is System.Threading.Channels.ChannelClosedException ? problem.InnerException! : problem;
            throw new ChatException(ChatError.ModelFailed, $"The model '{_model.Card.Id}' failed during this answer: {cause.Message}");
        }
    }

    /// <summary>Whether the known tokens leave anything to sample.</summary>
    private bool MoreToSample()
    {
        var replayed = new AnswerText(_model, _reading);
        foreach (int token in _known)
        {
            if (!replayed.Open || (uint)token >= (uint)_model.VocabularyLength)
                throw new ChatException(ChatError.ModelDiffers,
                    $"Token {replayed.Count + 1} of the {_known.Count} known of this answer cannot be one of the model '{_model.Card.Id}' on this silo.");
            replayed.Take(token);
        }
        return replayed.Open;
    }

    private ChatException Interrupted() => new(ChatError.Interrupted,
        $"The answer of the model '{_model.Card.Id}' was interrupted after {_tokens.Count} of at most {_reading.MaxTokens} tokens: "
        + "its conversation ended, or the model or a part of it was unloaded. Send the request again.");

    private static GenerationRequest After(GenerationRequest plan, IReadOnlyList<int> known) => known.Count == 0 ? plan
        : plan with { Tokens = [.. plan.Tokens, .. known], MaxTokens = plan.MaxTokens - known.Count };

    private static Generation Submit(IChatModel model, GenerationRequest plan)
    {
        try
        {
            return model.Submit(plan);
        }
        catch (QueueFullException full)
        {
            throw new ChatException(ChatError.QueueFull, full.Message) { RetryAfter = TimeSpan.FromSeconds(5) };
        }
        catch (ObjectDisposedException)
        {
            throw new ChatException(ChatError.Interrupted, $"The model '{model.Card.Id}' is being unloaded on this silo. Send the request again.");
        }
    }
}
