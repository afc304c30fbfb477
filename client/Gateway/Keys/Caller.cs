using System.Security.Claims;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Embeddings;

namespace SmolCluster.Gateway.Keys;

/// <summary>Who sends a request.</summary>
internal static class Caller
{
    public const string KeyIdClaim = "key";

    private const string QueuePrefix = "key:";

    /// <summary>Whose turn it is in the fair queue: the key's, else the user's that the request names, else the address's.</summary>
    public static string QueueUser(this HttpContext http, string? named = null) =>
        http.User.FindFirstValue(KeyIdClaim) is { } key ? QueuePrefix + key
        : !string.IsNullOrEmpty(named) ? $"user:{named}"
        : $"address:{http.Connection.RemoteIpAddress}";

    /// <summary>With a key, the turn is the key's whatever user the request names, or one key could take as many turns as it
    /// invents users.</summary>
    public static ChatRequest AskedBy(this ChatRequest request, HttpContext http) =>
        http.User.HasClaim(claim => claim.Type == KeyIdClaim) ? request with { User = http.QueueUser() } : request;

    public static ChatCall AskedBy(this ChatCall call, HttpContext http) => call with { Request = call.Request.AskedBy(http) };

    public static EmbeddingCall AskedBy(this EmbeddingCall call, HttpContext http) =>
        http.User.HasClaim(claim => claim.Type == KeyIdClaim) ? call with { User = http.QueueUser() } : call;

    /// <summary>Whether what was asked for by this user is the caller's to see. Without keys all of it is everybody's.</summary>
    public static bool MayRead(this HttpContext http, string user) => http.User.FindFirstValue(KeyIdClaim) is not { } key || user == QueuePrefix + key;

    /// <summary>The id of the key behind a place in the fair queue; null: there is none.</summary>
    public static string? KeyIdOf(string queueUser) => queueUser.StartsWith(QueuePrefix, StringComparison.Ordinal) ? queueUser[QueuePrefix.Length..] : null;
}
