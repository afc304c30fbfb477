namespace SmolCluster.Gateway;

/// <summary>Configuration section "Gateway".</summary>
public sealed class GatewayOptions
{
    public const string Section = "Gateway";

    /// <summary>Bodies are buffered whole before they are read, so the bound has a bound.</summary>
    public const int LargestRequestBytes = 256 * 1024 * 1024;

    /// <summary>Longest request body accepted, in bytes; longer ones get 413.</summary>
    public int MaxRequestBytes { get; set; } = 4 * 1024 * 1024;
}
