namespace SmolCluster.Engine.Quantization;

/// <summary>How many tokens a body computes together; what it does not need is not compiled.</summary>
internal interface ITokenCount
{
    static abstract int Count { get; }

    /// <summary>Tokens that lie side by side, used or not.</summary>
    static abstract int Apart { get; }
}

internal readonly struct OneToken : ITokenCount
{
    public static int Count => 1;

    public static int Apart => 1;
}

internal readonly struct FourTokens : ITokenCount
{
    public static int Count => 4;

    public static int Apart => Octets.Tokens;
}

internal readonly struct EightTokens : ITokenCount
{
    public static int Count => Octets.Tokens;

    public static int Apart => Octets.Tokens;
}
