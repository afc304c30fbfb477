using System.Globalization;

namespace SmolCluster.Gateway.Keys;

/// <summary>What a key has used of its limits, at this gateway. Thread-safe.</summary>
internal sealed class KeyUsage(KeyLimits limits, TimeProvider time)
{
    private readonly Lock counting = new();
    private readonly Budget? requests = limits.RequestsPerMinute is { } count ? new(count, TimeSpan.FromMinutes(1), time) : null;
    private readonly Budget? tokens = limits.TokensPerMinute is { } count ? new(count, TimeSpan.FromMinutes(1), time) : null;
    private readonly Budget? tokensOfDay = limits.TokensPerDay is { } count ? new(count, TimeSpan.FromDays(1), time) : null;
    private int running;

    public KeyLimits Limits => limits;

    /// <summary>Begins a request, which <see cref="Leave"/> ends.</summary>
    /// <returns>Null; or why it may not begin now, and then nothing is counted.</returns>
    public Refusal? Enter()
    {
        lock (counting)
        {
            if (running >= limits.Concurrent)
                return new($"{running} requests of this key run already, the most it may have at once.", "rate_limit_exceeded", TimeSpan.FromSeconds(1));
            var refusal = Exhausted(requests, $"The limit of this key, {limits.RequestsPerMinute} requests a minute, is reached.", "rate_limit_exceeded")
                ?? Exhausted(tokens, $"The limit of this key, {limits.TokensPerMinute} tokens a minute, is reached.", "rate_limit_exceeded")
                ?? Exhausted(tokensOfDay, $"The quota of this key, {limits.TokensPerDay} tokens a day, is used up.", "insufficient_quota");
            if (refusal is not null)
                return refusal;
            requests?.Take(1);
            running++;
            return null;
        }
    }

    public void Leave()
    {
        lock (counting)
            running--;
    }

    /// <summary>Tokens of prompt or answer that were computed for it.</summary>
    public void Charge(long count)
    {
        lock (counting)
        {
            tokens?.Take(count);
            tokensOfDay?.Take(count);
        }
    }

    /// <summary>OpenAI's headers for each limit there is, and those of its kind for the day and for requests at once.</summary>
    public void Tell(IHeaderDictionary headers)
    {
        lock (counting)
        {
            Tell(headers, "requests", requests);
            Tell(headers, "tokens", tokens);
            Tell(headers, "tokens-day", tokensOfDay);
            if (limits.Concurrent is not { } most)
                return;
            headers["x-ratelimit-limit-concurrent"] = Show(most);
            headers["x-ratelimit-remaining-concurrent"] = Show(Math.Max(0, most - running));
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
