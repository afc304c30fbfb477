namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>What a constraint may cost. All but <see cref="CacheBytes"/> are properties of the constraint, not of what happened to
/// be computed before, so that a constraint that works once works everywhere and always.</summary>
internal static class ConstraintLimits
{
    /// <summary>Characters of a source.</summary>
    public const int SourceLength = 256 * 1024;

    /// <summary>Brackets within brackets of a regular expression or grammar.</summary>
    public const int Nesting = 100;

    /// <summary>Expressions of a compiled constraint.</summary>
    public const int Expressions = 400_000;

    /// <summary>Calls within calls of one step: what a thread's stack surely holds.</summary>
    public const int Height = 1000;

    /// <summary>Alternatives that are open at the same time.</summary>
    public const int Width = 4000;

    /// <summary>States of an intersection or complement, which are visited all to find those without an end.</summary>
    public const int IntersectionStates = 3000;

    /// <summary>Open alternatives of all states that the walk for one mask visits: some ten milliseconds.</summary>
    public const int MaskWork = 200_000;

    /// <summary>Ways of combining a schema's anyOf, oneOf, not and the like.</summary>
    public const int Branches = 128;

    /// <summary>Memory for one constraint's states and masks, in bytes, more or less; past it they are forgotten and found again.</summary>
    public const int CacheBytes = 16 << 20;

    /// <summary>Compiled constraints that a model keeps.</summary>
    public const int Kept = 32;
}
