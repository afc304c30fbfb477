using System.Diagnostics.CodeAnalysis;

namespace SmolCluster.Engine.Gguf;

/// <summary>The file's key/value pairs with typed look-ups. Values are the .NET type of the GGUF type:
/// byte, sbyte, ushort, short, uint, int, ulong, long, float, double, bool, string, or an array of one of those.</summary>
public sealed class GgufMetadata
{
    /// <summary>In the file's order.</summary>
    public IReadOnlyList<string> Keys => throw new NotImplementedException();

    public bool TryGetValue(string key, [NotNullWhen(true)] out object? value) => throw new NotImplementedException();

    /// <summary>Any integer type that fits, or <paramref name="fallback"/> where the key is absent and a fallback was given.</summary>
    /// <exception cref="GgufException">Absent without a fallback, of another type, or out of range.</exception>
    public long Integer(string key, long? fallback = null) => throw new NotImplementedException();

    /// <summary>Any float or integer type.</summary>
    public double Number(string key, double? fallback = null) => throw new NotImplementedException();

    public bool Boolean(string key, bool? fallback = null) => throw new NotImplementedException();

    public string Text(string key, string? fallback = null) => throw new NotImplementedException();

    /// <summary>A string array.</summary>
    public IReadOnlyList<string> Texts(string key) => throw new NotImplementedException();

    /// <summary>An array of any integer type.</summary>
    public IReadOnlyList<long> Integers(string key) => throw new NotImplementedException();
}
