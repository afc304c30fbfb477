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

    /// <summary>The file of API keys, as `smol keys` makes it; requests need one of them then. Null: no keys, and only this machine may
    /// ask, unless <see cref="Open"/> says otherwise.</summary>
    public string? KeysFile { get; set; }

    /// <summary>Whether a gateway without keys answers other machines: for one behind something that knows its users.</summary>
    public bool Open { get; set; }

    /// <summary>Web pages of these origins ("https://chat.example") may call the API from a browser; "*": all may. None: only the
    /// gateway's own page may.</summary>
    public IList<string> CorsOrigins { get; init; } = [];

    /// <summary>How long a client may take to send a request's headers.</summary>
    public TimeSpan HeadersTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>A client that sends its body slower than this (bytes a second, after <see cref="SlowGrace"/>) is cut off. 0: as slow as it
    /// likes.</summary>
    public double LeastBytesPerSecond { get; set; } = 240;

    /// <summary>How long a connection may be slower than <see cref="LeastBytesPerSecond"/>; more than a second.</summary>
    public TimeSpan SlowGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>A client that takes nothing of its answer for so long is cut off: it would hold the answer and its cache.</summary>
    public TimeSpan StallLimit { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Connections at once; null: as many as the machine takes.</summary>
    public int? MaxConnections { get; set; }

    /// <summary>Requests that are answered or wait at this gateway at most; more get 429. A user may have as many as are then still
    /// free: one alone half of them, the next one half of the rest.</summary>
    public int MaxOpenRequests { get; set; } = 1024;

    /// <summary>How long a request may take before its client gets 504 and its work is dropped; a request's own X-Request-Timeout may
    /// only shorten it. Null: as long as its answer is.</summary>
    public TimeSpan? RequestLimit { get; set; }

    /// <summary>How much of a busy model a user gets beside others, by the user's name; who is not named has 1.</summary>
    public Dictionary<string, double> Weights { get; init; } = [];
}
