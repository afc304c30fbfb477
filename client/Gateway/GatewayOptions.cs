namespace SmolCluster.Gateway;

/// <summary>Configuration section "Gateway".</summary>
public sealed class GatewayOptions
{
    public const string Section = "Gateway";

    /// <summary>A request goes to its grain as one message, and Orleans loses one over 100 MB without a word to the sender.</summary>
    public const int LargestRequestBytes = 64 * 1024 * 1024;

    /// <summary>Longest request body accepted, in bytes; longer ones get 413.</summary>
    public int MaxRequestBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>How long an answer whose silo went away is tried elsewhere before its client gets an error.</summary>
    public TimeSpan ResumeLimit { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Requests that are answered or wait at this gateway at most; more get 429. A user may have as many as are then still
    /// free: one alone half of them, the next one half of the rest.</summary>
    public int MaxOpenRequests { get; set; } = 1024;

    /// <summary>How long a request may take before its client gets 504 and its work is dropped; a request's own X-Request-Timeout may
    /// only shorten it. Null: as long as its answer is.</summary>
    public TimeSpan? RequestLimit { get; set; }

    /// <summary>How much of a busy model a user gets beside others, by the user's name; who is not named has 1.</summary>
    public Dictionary<string, double> Weights { get; init; } = [];
}
