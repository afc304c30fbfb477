namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>A regular expression or the right side of a grammar's rule, as it was read.</summary>
internal abstract record Syntax
{
    private Syntax() { }

    /// <summary>One character.</summary>
    internal sealed record Character(CodePointSet Set) : Syntax;

    internal sealed record Series(IReadOnlyList<Syntax> Items) : Syntax;

    internal sealed record Alternatives(IReadOnlyList<Syntax> Items) : Syntax;

    internal sealed record Repeated(Syntax Item, int Least, int Most) : Syntax;

    /// <summary>^ or $.</summary>
    internal sealed record Anchor(bool AtEnd) : Syntax;

    /// <summary>(?=…) or (?!…).</summary>
    internal sealed record Lookahead(Syntax Item, bool Negative) : Syntax;

    /// <summary>Another rule of the grammar.</summary>
    internal sealed record Reference(string Name) : Syntax;
}
