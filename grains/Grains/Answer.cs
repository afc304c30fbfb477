using System.Text;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text;

namespace SmolCluster.Grains;

/// <summary>A running answer: a lease on the model's cache, and its tokens as text. Whoever leaves, for whatever reason,
/// disposes it, and that alone frees the cache. Tokens that wait already become one piece of text (fewer messages between
/// silos), but no token ever waits for another.</summary>
internal sealed class Answer(IChatModel model, GenerationRequest plan, IReadOnlyList<string> stops, List<int> tokens) : IDisposable
{
    private readonly Generation _generation = Submit(model, plan);
    private readonly Detokenizer _detokenizer = new();
    private readonly StopMatcher _stops = new(stops);

    /// <summary>stop or length; null while it runs.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>Completes when prefill starts.</summary>
    public Task<int> CachedTokens => _generation.CachedTokens;

    /// <summary>The next piece of text, never empty; null when the answer has ended, with <see cref="FinishReason"/> set.</summary>
    /// <exception cref="ChatException">ModelFailed: the model could not go on. Interrupted: something other than the caller ended it.</exception>
    /// <exception cref="OperationCanceledException">The caller left.</exception>
    public async ValueTask<string?> NextText(CancellationToken cancellation)
    {
        var text = new StringBuilder();
        while (text.Length == 0 && FinishReason is null)
        {
            if (!await MoreTokens(cancellation))
            {
                text.Append(End("length"));
                break;
            }
            while (FinishReason is null && _generation.Tokens.TryRead(out var token)) text.Append(Take(token));
        }
        return text.Length > 0 ? text.ToString() : null;
    }

    public void Dispose() => _generation.Cancel();

    private string Take(int token)
    {
        tokens.Add(token);
        if (model.EndsAnswer(token)) return End("stop");
        var shown = _stops.Append(_detokenizer.Append(model.VisibleBytes(token)));
        if (_stops.Stopped) FinishReason = "stop";
        return shown;
    }

    /// <summary>What was held back: an unfinished character, and what might have become a stop string.</summary>
    private string End(string reason)
    {
        var shown = _stops.Append(_detokenizer.Flush());
        FinishReason = _stops.Stopped ? "stop" : reason;
        return _stops.Stopped ? shown : shown + _stops.Flush();
    }

    private async ValueTask<bool> MoreTokens(CancellationToken cancellation)
    {
        try
        {
            if (await _generation.Tokens.WaitToReadAsync(cancellation)) return true;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception problem) when (problem is OperationCanceledException or ObjectDisposedException)
        {
            throw Interrupted();
        }
        catch (Exception problem)
        {
            throw new ChatException(ChatError.ModelFailed, $"The model '{model.Card.Id}' failed during this answer: {problem.Message}");
        }
        if (tokens.Count >= plan.MaxTokens) return false;
        cancellation.ThrowIfCancellationRequested();
        throw Interrupted();
    }

    private ChatException Interrupted() => new(ChatError.Interrupted,
        $"The answer of the model '{model.Card.Id}' was interrupted after {tokens.Count} of at most {plan.MaxTokens} tokens: "
        + "its conversation ended or the model was unloaded. Send the request again.");

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
