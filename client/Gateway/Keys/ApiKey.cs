using System.Security.Cryptography;
using System.Text;

namespace SmolCluster.Gateway.Keys;

/// <summary>An API key as it is kept: whose it is, what it may do and how much. The key itself is not here, only its SHA-256: a key
/// is 256 random bits, which a slower hash would protect no better.</summary>
public sealed record ApiKey
{
    /// <summary>How every key begins, so that people and scanners of secrets know one when they see it.</summary>
    public const string Prefix = "sk-smol-";

    private const int IdBytes = 6;
    private const int SecretBytes = 32;

    /// <summary>Public, and part of the key: twelve hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>For people; unique in its file.</summary>
    public required string Name { get; init; }

    /// <summary>SHA-256 of the whole key, 64 hexadecimal digits.</summary>
    public required string Hash { get; init; }

    /// <summary>Of <see cref="KeyScopes.All"/>; a file may leave it out, for chat.</summary>
    public IReadOnlyList<string> Scopes { get; init => field = value ?? [KeyScopes.Chat]; } = [KeyScopes.Chat];

    public DateTimeOffset Created { get; init; }

    /// <summary>Null: never.</summary>
    public DateTimeOffset? Expires { get; init; }

    public KeyLimits Limits { get; init => field = value ?? new(); } = new();

    /// <summary>Makes a new key.</summary>
    /// <param name="secret">The key: to be shown once, it is kept nowhere.</param>
    public static ApiKey New(string name, DateTimeOffset now, out string secret)
    {
        string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
        secret = $"{Prefix}{id}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes))}";
        return new() { Id = id, Name = name, Hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret))), Created = now };
    }

    /// <summary>The id inside what somebody presents as a key; null: it is none of ours.</summary>
    public static string? IdIn(string presented)
    {
        int end = Prefix.Length + (IdBytes * 2);
        return presented.Length == end + 1 + (SecretBytes * 2) && presented.StartsWith(Prefix, StringComparison.Ordinal) && presented[end] == '-'
            ? presented[Prefix.Length..end] : null;
    }

    /// <summary>Whether this is the key; takes the same time whatever is presented.</summary>
    public bool Is(string presented) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(presented)), Convert.FromHexString(Hash));
}

/// <summary>How much a key may do at all gateways together; null: no limit.</summary>
public sealed record KeyLimits
{
    public int? RequestsPerMinute { get; init; }

    /// <summary>Prompt and answer; a request may be begun while any are left, so that the last one may go past it.</summary>
    public int? TokensPerMinute { get; init; }

    /// <summary>As per minute; refills evenly over the day.</summary>
    public long? TokensPerDay { get; init; }

    /// <summary>Requests at once.</summary>
    public int? Concurrent { get; init; }

    /// <summary>The first limit that is not at least 1, by its name in the file, or null.</summary>
    public string? Problem() => new (string Name, long? Value)[]
    {
        ("requests_per_minute", RequestsPerMinute), ("tokens_per_minute", TokensPerMinute), ("tokens_per_day", TokensPerDay), ("concurrent", Concurrent),
    }.FirstOrDefault(limit => limit.Value < 1).Name;
}

/// <summary>What a key may be used for.</summary>
public static class KeyScopes
{
    /// <summary>To ask models, and for all that belongs to it: models, conversations, tokens.</summary>
    public const string Chat = "chat";

    /// <summary>To read what the gateway measures of itself.</summary>
    public const string Metrics = "metrics";

    /// <summary>Everything.</summary>
    public const string Admin = "admin";

    public static IReadOnlyList<string> All { get; } = [Chat, Metrics, Admin];
}
