using System.Globalization;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Keys;

/// <summary>What a key has used of its limits: here at once, and at other gateways as far as <see cref="KeySharing"/> has heard of it.
/// Thread-safe.</summary>
internal sealed class KeyUsage(KeyLimits limits, TimeProvider time)
{
    private readonly Lock counting = new();
    private readonly KeyBudgets budgets = new(new(limits.RequestsPerMinute, limits.TokensPerMinute, limits.TokensPerDay), time);
    private int running, elsewhere;
    private long newRequests, newTokens; // since the others were told
    private bool reported;                // and not heard of yet
    private long? used;

    public KeyLimits Limits => limits;

    /// <summary>Whether others may want to know: something is, or was lately.</summary>
    /// <param name="lately">How long ago that is.</param>
    public bool IsUsed(TimeSpan lately)
    {
        lock (counting)
            return running > 0 || newRequests > 0 || newTokens > 0 || (used is { } last && time.GetElapsedTime(last) < lately);
    }

    /// <summary>Begins a request, which <see cref="Leave"/> ends.</summary>
    /// <returns>Null; or why it may not begin now, and then nothing is counted.</returns>
    public Refusal? Enter()
    {
        lock (counting)
        {
            used = time.GetTimestamp();
            if (running + elsewhere >= limits.Concurrent)
                return new($"{running + elsewhere} requests of this key run already, the most it may have at once.", "rate_limit_exceeded", TimeSpan.FromSeconds(1));
            var refusal = Exhausted(budgets.Requests, $"The limit of this key, {limits.RequestsPerMinute} requests a minute, is reached.", "rate_limit_exceeded")
                ?? Exhausted(budgets.Tokens, $"The limit of this key, {limits.TokensPerMinute} tokens a minute, is reached.", "rate_limit_exceeded")
                ?? Exhausted(budgets.TokensOfDay, $"The quota of this key, {limits.TokensPerDay} tokens a day, is used up.", "insufficient_quota");
            if (refusal is not null)
                return refusal;
            budgets.Take(1, 0);
            newRequests++;
            running++;
            return null;
        }
    }

    public void Leave()
    {
        lock (counting)
        {
            running--;
            used = time.GetTimestamp();
        }
    }

    /// <summary>Tokens of prompt or answer that were computed for it.</summary>
    public void Charge(long count)
    {
        lock (counting)
        {
            budgets.Take(0, count);
            newTokens += count;
        }
    }

    /// <summary>What other gateways have not heard of yet; each is ended with <see cref="Hear"/>.</summary>
    /// <returns>Null: one is on its way already.</returns>
    public KeyReport? Report()
    {
        lock (counting)
        {
            if (reported)
                return null;
            reported = true;
            return new(budgets.Bounds, newRequests, newTokens, running, budgets.Left);
        }
    }

    /// <summary>Takes in what is left when all gateways' use is counted.</summary>
    /// <param name="told">What was reported for it.</param>
    /// <param name="share">Null: nobody has heard it.</param>
    public void Hear(KeyReport told, KeyShare? share)
    {
        lock (counting)
        {
            reported = false;
            if (share is null)
            {
                elsewhere = 0; // what ran there may have ended since: this gateway counts alone
                return;
            }
            (newRequests, newTokens, elsewhere) = (newRequests - told.Requests, newTokens - told.Tokens, share.RunningElsewhere);
            budgets.LowerTo(new(share.Left.Requests - newRequests, share.Left.Tokens - newTokens, share.Left.TokensOfDay - newTokens));
        }
    }

    /// <summary>OpenAI's headers for each limit there is, and those of its kind for the day and for requests at once.</summary>
    public void Tell(IHeaderDictionary headers)
    {
        lock (counting)
        {
            Tell(headers, "requests", budgets.Requests);
            Tell(headers, "tokens", budgets.Tokens);
            Tell(headers, "tokens-day", budgets.TokensOfDay);
            if (limits.Concurrent is not { } most)
                return;
            headers["x-ratelimit-limit-concurrent"] = Show(most);
            headers["x-ratelimit-remaining-concurrent"] = Show(Math.Max(0, most - running - elsewhere));
        }
    }

    private static Refusal? Exhausted(Budget? budget, string message, string code) =>
        budget?.UntilOpen is { } wait && wait > TimeSpan.Zero ? new(message, code, wait) : null;

    private static void Tell(IHeaderDictionary headers, string what, Budget? budget)
    {
        if (budget is null)
            return;
        headers[$"x-ratelimit-limit-{what}"] = Show(budget.Capacity);
        headers[$"x-ratelimit-remaining-{what}"] = Show(budget.Remaining);
        headers[$"x-ratelimit-reset-{what}"] = $"{Show((long)Math.Ceiling(budget.UntilFull.TotalSeconds))}s";
    }

    private static string Show(long number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Why a request may not begin now.</summary>
internal sealed record Refusal(string Message, string Code, TimeSpan RetryAfter);
