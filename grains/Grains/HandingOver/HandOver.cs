using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Orleans.Runtime.Placement;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains.Placement;

namespace SmolCluster.Grains.HandingOver;

/// <summary>An answer that runs here and may go on elsewhere.</summary>
/// <param name="Tokens">Prompt and answer so far; from any thread.</param>
internal sealed record MovableAnswer(IGrainContext Conversation, IChatModel Model, Func<int[]> Tokens);

/// <summary>
/// A silo that is told to end gives its running answers away before it leaves: to each the silo that takes it is chosen, the
/// pages of its keys and values go there first, while it still runs here, and then its conversation migrates to where they are.
/// Its reader's stream breaks, and the reader asks the conversation to go on, as after any failure; the prompt and the answer so
/// far are then found in the prefix index of the new silo and not computed again. Nothing rests on it: what does not arrive in
/// time, is refused, or does not pay (<see cref="HandOverChoice"/>) is computed again, with the same bits.
/// </summary>
internal sealed class HandOver(ModelHost models, ModelHostClient hosts, ClusterLoad load, ILocalSiloDetails here, TimeProvider time, ILogger<HandOver> logger)
    : ILifecycleParticipant<ISiloLifecycle>
{
    /// <summary>For all pages together: within <see cref="Liveness.DrainLimit"/> grains and models have to end as well.</summary>
    private static readonly TimeSpan s_patience = Liveness.DrainLimit / 2;

    /// <summary>Until a conversation's last step has ended and its activation is the other silo's.</summary>
    private static readonly TimeSpan s_migration = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<MovableAnswer, bool> _running = new(ReferenceEqualityComparer.Instance);
    private double _bytesPerSecond = HandOverChoice.AssumedBytesPerSecond;

    public IDisposable Register(IGrainContext conversation, IChatModel model, Func<int[]> tokens)
    {
        var answer = new MovableAnswer(conversation, model, tokens);
        _running[answer] = true;
        return new Registration(this, answer);
    }

    /// <summary>Before anything else of the silo stops.</summary>
    public void Participate(ISiloLifecycle lifecycle) =>
        lifecycle.Subscribe(nameof(HandOver), ServiceLifecycleStage.Last, static _ => Task.CompletedTask, Leave);

    private async Task Leave(CancellationToken cancellation)
    {
        models.IsLeaving = true;
        if (_running.IsEmpty) return;
        using var patience = new CancellationTokenSource(s_patience, time);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        var silos = (await load.Refresh()).Where(silo => !silo.Equals(here.SiloAddress)).ToArray();
        var leaving = new List<Task>();
        var (start, tokens) = (time.GetTimestamp(), 0L);
        foreach (var answer in _running.Keys)
        {
            if (load.Choose(silos, answer.Model.Card.Id) is not { } silo) continue;
            tokens += await SendPages(answer, silo, limit.Token);
            answer.Conversation.Migrate(new() { [IPlacementDirector.PlacementHintKey] = silo }, cancellation);
            leaving.Add(answer.Conversation.Deactivated);
        }
        logger.LogInformation("Handing over {Answers} answers, with keys and values of {Tokens} tokens in {Seconds:F1} s ({Rate:F0} MB/s)",
            leaving.Count, tokens, time.GetElapsedTime(start).TotalSeconds, _bytesPerSecond / 1e6);
        await Task.WhenAny(Task.WhenAll(leaving), Task.Delay(s_migration, time, cancellation));
    }

    /// <returns>Tokens whose pages went over.</returns>
    private async Task<int> SendPages(MovableAnswer answer, SiloAddress silo, CancellationToken limit)
    {
        int sent = 0;
        try
        {
            if (answer.Model.Exchange is not { } exchange || HandOverChoice.PagesOfAMessage(exchange.PageBytes) is not (> 0 and var most)) return 0;
            int[] tokens = answer.Tokens();
            int page = await Held(answer.Model, exchange, tokens, [], tokens.Length / KvExchange.PageTokens, silo, limit) / KvExchange.PageTokens;
            while (HandOverChoice.MovingPays(exchange.PageBytes, KvExchange.PageTokens, _bytesPerSecond, exchange.PrefillSecondsPerToken)
                && await exchange.Copy(tokens, page, most).WaitAsync(limit) is { Length: > 0 } pages)
            {
                int next = page + (int)(pages.Length / exchange.PageBytes);
                long start = time.GetTimestamp();
                if (await Held(answer.Model, exchange, tokens, pages, next, silo, limit) < next * KvExchange.PageTokens) break;
                _bytesPerSecond = pages.Length / Math.Max(time.GetElapsedTime(start).TotalSeconds, 1e-6);
                sent += (next - page) * KvExchange.PageTokens;
                page = next;
            }
        }
        catch (Exception problem) when (problem is OperationCanceledException or TimeoutException or OrleansException or ObjectDisposedException)
        {
            logger.LogInformation("Keys and values of {Conversation} are computed again on {Silo}: {Problem}", answer.Conversation.GrainId, silo, problem.Message);
        }
        return sent;
    }

    /// <returns>Tokens that the other silo has of this text.</returns>
    private async Task<int> Held(IChatModel model, KvExchange exchange, int[] tokens, byte[] pages, int until, SiloAddress silo, CancellationToken limit)
    {
        var taken = await hosts.TakePages(silo, KvPages.Of(model.Card, exchange, tokens[..(until * KvExchange.PageTokens)], pages)).WaitAsync(limit);
        if (taken.Refusal is { } refusal) logger.LogWarning("Silo {Silo} takes no keys and values of {Model}: {Refusal}", silo, model.Card.Id, refusal);
        return taken.Tokens;
    }

    private sealed class Registration(HandOver handOver, MovableAnswer answer) : IDisposable
    {
        public void Dispose() => handOver._running.TryRemove(answer, out _);
    }
}
