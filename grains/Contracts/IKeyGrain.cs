namespace SmolCluster.Contracts;

/// <summary>What an API key has left of its limits, for all gateways together; the grain's key is the key's id. Each gateway counts what
/// comes to it at once, and tells here a few times a second: no request waits for another gateway, and in that time at most a key can have
/// more than its limit. Nothing is stored: where the grain is made anew, the gateways' own counts are where it begins.</summary>
[Alias("SmolCluster.IKeyGrain")]
public interface IKeyGrain : IGrainWithStringKey
{
    /// <summary>Takes what a gateway has counted since it last told, and tells what is left.</summary>
    /// <param name="gateway">Who tells.</param>
    [Alias("Share")]
    Task<KeyShare> Share(string gateway, KeyReport report);
}

/// <summary>How much a key may use; null: no limit.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.KeyBounds")]
public sealed record KeyBounds([property: Id(0)] int? RequestsPerMinute, [property: Id(1)] int? TokensPerMinute, [property: Id(2)] long? TokensPerDay);

/// <summary>What is left, in each of the limits there are; below 0: a debt.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.KeyLevels")]
public sealed record KeyLevels([property: Id(0)] double? Requests, [property: Id(1)] double? Tokens, [property: Id(2)] double? TokensOfDay);

/// <param name="Requests">Begun since the gateway last told.</param>
/// <param name="Tokens">Computed since then.</param>
/// <param name="Running">Requests that run there now.</param>
/// <param name="Known">What is left by all that the gateway knows, these included.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.KeyReport")]
public sealed record KeyReport(
    [property: Id(0)] KeyBounds Bounds, [property: Id(1)] long Requests, [property: Id(2)] long Tokens, [property: Id(3)] int Running, [property: Id(4)] KeyLevels Known);

/// <param name="RunningElsewhere">Requests that run at other gateways.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.KeyShare")]
public sealed record KeyShare([property: Id(0)] KeyLevels Left, [property: Id(1)] int RunningElsewhere);

/// <summary>The budgets of a key, as gateways and the grain count them. Not thread-safe.</summary>
public sealed class KeyBudgets(KeyBounds bounds, TimeProvider time)
{
    public KeyBounds Bounds => bounds;

    public Budget? Requests { get; } = Of(bounds.RequestsPerMinute, TimeSpan.FromMinutes(1), time);

    public Budget? Tokens { get; } = Of(bounds.TokensPerMinute, TimeSpan.FromMinutes(1), time);

    public Budget? TokensOfDay { get; } = Of(bounds.TokensPerDay, TimeSpan.FromDays(1), time);

    public KeyLevels Left => new(Requests?.Level, Tokens?.Level, TokensOfDay?.Level);

    public void Take(long requests, long tokens)
    {
        Requests?.Take(requests);
        Tokens?.Take(tokens);
        TokensOfDay?.Take(tokens);
    }

    /// <summary>No more is left than this.</summary>
    public void LowerTo(KeyLevels most)
    {
        Lower(Requests, most.Requests);
        Lower(Tokens, most.Tokens);
        Lower(TokensOfDay, most.TokensOfDay);
    }

    private static void Lower(Budget? budget, double? most)
    {
        if (budget is not null && most < budget.Level)
            budget.Level = most.Value;
    }

    private static Budget? Of(long? capacity, TimeSpan period, TimeProvider time) => capacity is { } units ? new(units, period, time) : null;
}
