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
}
