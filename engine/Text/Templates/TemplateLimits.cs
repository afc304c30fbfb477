namespace SmolCluster.Engine.Text.Templates;

/// <summary>What a template may use. Templates come with model files and conversations with requests: both are hostile.
/// The largest published templates stay below a twentieth of each.</summary>
internal static class TemplateLimits
{
    /// <summary>Characters of template source.</summary>
    public const int SourceLength = 256 * 1024;

    /// <summary>Brackets and blocks inside one another while parsing.</summary>
    public const int ParseDepth = 150;

    /// <summary>Expressions, statements and macro calls inside one another while rendering.</summary>
    public const int EvaluationDepth = 1000;

    /// <summary>Evaluated nodes, visited elements, and 64 characters of any new text count one each.</summary>
    public const long Steps = 4_000_000;

    /// <summary>Characters of the output and of every text on the way to it.</summary>
    public const int TextLength = 8 * 1024 * 1024;

    /// <summary>Elements of a range(), as in Jinja's own sandbox.</summary>
    public const int RangeLength = 100_000;

    /// <summary>Lists and mappings inside one another; bounds every recursion over a value.</summary>
    public const int ValueDepth = 150;

    /// <summary>Bits of an integer; Python's have no bound.</summary>
    public const int IntegerBits = 1024;
}
