namespace SmolCluster.Engine.Quantization;

/// <summary>How many tokens a body computes together; what it does not need is not compiled.</summary>
internal interface ITokens
{
    static abstract int Count { get; }

    /// <summary>Tokens that lie side by side, used or not.</summary>
    static abstract int Apart { get; }
}

internal readonly struct One : ITokens
{
    public static int Count => 1;

    public static int Apart => 1;
}

internal readonly struct Four : ITokens
{
    public static int Count => 4;

    public static int Apart => Octets.Tokens;
}

internal readonly struct Eight : ITokens
{
    public static int Count => Octets.Tokens;

    public static int Apart => Octets.Tokens;
}
