using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace SmolCluster.Engine.Gguf;

/// <summary>The file's key/value pairs with typed look-ups. Values are the .NET type of the GGUF type:
/// byte, sbyte, ushort, short, uint, int, ulong, long, float, double, bool, string, or an array of one of those.
/// Scalars are held; arrays are decoded anew from the mapping at each call, so keep what you need of them.</summary>
public sealed class GgufMetadata
{
    internal const int LongestKey = 65_535;
    internal const int LongestText = 16 << 20;
    private const int MostKeys = 65_536;

    private readonly string path;
    private readonly List<string> keys = [];
    private readonly Dictionary<string, object> values = new(StringComparer.Ordinal);

    internal GgufMetadata(GgufMapping mapping, GgufCursor cursor, long count)
    {
        path = mapping.Path;
        if (count > MostKeys)
            throw cursor.Fail(16, $"the file announces {count} metadata entries; at most {MostKeys} are accepted. The file is damaged.");
        for (long i = 0; i < count; i++)
        {
            long at = cursor.Position;
            string key = cursor.ReadText(LongestKey, "a metadata key");
            if (key.Length == 0)
                throw cursor.Fail(at, $"metadata key {i} is empty. The file is damaged.");
            if (!values.TryAdd(key, ReadValue(mapping, cursor, key)))
                throw cursor.Fail(at, $"the metadata key '{key}' occurs twice; which one is meant cannot be told. Convert the model "
                    + "again.");
            keys.Add(key);
        }
    }

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<string> Keys => keys;

    public bool Contains(string key) => values.ContainsKey(key);

    /// <summary>The value as it is held, an array not decoded; null where absent.</summary>
    internal object? Raw(string key) => values.GetValueOrDefault(key);

    public bool TryGetValue(string key, [NotNullWhen(true)] out object? value)
    {
        bool found = values.TryGetValue(key, out value);
        if (value is GgufArray array)
            value = array.Decode();
        return found;
    }

    /// <summary>Any integer type that fits, or <paramref name="fallback"/> where the key is absent and a fallback was given.</summary>
    /// <exception cref="GgufException">Absent without a fallback, of another type, or out of range.</exception>
    public long Integer(string key, long? fallback = null) =>
        !values.TryGetValue(key, out object? value) ? fallback ?? throw Missing(key, "an integer")
        : AsInteger(value, out long integer) ? integer
        : throw Odd(key, "an integer of at most 63 bits");

    /// <summary>Any float or integer type.</summary>
    public double Number(string key, double? fallback = null) =>
        !values.TryGetValue(key, out object? value) ? fallback ?? throw Missing(key, "a number")
        : value switch
        {
            float number => number,
            double number => number,
            ulong number => number,
            _ => AsInteger(value, out long integer) ? integer : throw Odd(key, "a number"),
        };

    public bool Boolean(string key, bool? fallback = null) =>
        !values.TryGetValue(key, out object? value) ? fallback ?? throw Missing(key, "a boolean")
        : value as bool? ?? throw Odd(key, "a boolean");

    public string Text(string key, string? fallback = null) =>
        !values.TryGetValue(key, out object? value) ? fallback ?? throw Missing(key, "a string")
        : value as string ?? throw Odd(key, "a string");

    /// <summary>A string array.</summary>
    /// <exception cref="GgufException">Absent, not a string array, or an element is not UTF-8.</exception>
    public IReadOnlyList<string> Texts(string key) =>
        !values.TryGetValue(key, out object? value) ? throw Missing(key, "an array of strings")
        : value is GgufArray { Elements: GgufValueType.String } array ? (string[])array.Decode()
        : throw Odd(key, "an array of strings");

    /// <summary>A string array to go through once or twice, without ever holding all of its strings.</summary>
    /// <exception cref="GgufException">Absent or not a string array; while enumerating: an element is not UTF-8.</exception>
    internal IReadOnlyCollection<string> EachText(string key) =>
        !values.TryGetValue(key, out object? value) ? throw Missing(key, "an array of strings")
        : value is GgufArray { Elements: GgufValueType.String } array ? array.Texts()
        : throw Odd(key, "an array of strings");

    /// <summary>An array of any integer type.</summary>
    public IReadOnlyList<long> Integers(string key)
    {
        if (!values.TryGetValue(key, out object? value))
            throw Missing(key, "an array of integers");
        if (value is not GgufArray array)
            throw Odd(key, "an array of integers");
        return array.Decode() switch
        {
            int[] a => Array.ConvertAll(a, static v => (long)v),
            uint[] a => Array.ConvertAll(a, static v => (long)v),
            long[] a => a,
            ulong[] a when Array.TrueForAll(a, static v => v <= long.MaxValue) => Array.ConvertAll(a, static v => (long)v),
            byte[] a => Array.ConvertAll(a, static v => (long)v),
            sbyte[] a => Array.ConvertAll(a, static v => (long)v),
            ushort[] a => Array.ConvertAll(a, static v => (long)v),
            short[] a => Array.ConvertAll(a, static v => (long)v),
            _ => throw Odd(key, "an array of integers"),
        };
    }

    /// <summary>An array of 32-bit floats.</summary>
    /// <exception cref="GgufException">Absent or of another type.</exception>
    public float[] Floats(string key) =>
        !values.TryGetValue(key, out object? value) ? throw Missing(key, "an array of numbers")
        : value is GgufArray { Elements: GgufValueType.Float32 } array ? (float[])array.Decode() : throw Odd(key, "an array of numbers");

    /// <summary>Elements of an array value without decoding it.</summary>
    /// <exception cref="GgufException">Absent or no array.</exception>
    public long Count(string key) =>
        !values.TryGetValue(key, out object? value) ? throw Missing(key, "an array")
        : value is GgufArray array ? array.Count : throw Odd(key, "an array");

    /// <summary>A value for people, on one line: <c>36</c>, <c>"smollm3"</c>, <c>String[128256] ["!", "#", …]</c>.</summary>
    /// <exception cref="GgufException">Absent.</exception>
    public string Describe(string key, int maximumLength = 80) =>
        values.TryGetValue(key, out object? value) ? GgufText.Describe(value, maximumLength) : throw Missing(key, "a value");

    private GgufException Missing(string key, string expected) =>
        new($"{path}: the metadata key '{key}' is missing; expected {expected}. The file was made by a converter this engine "
            + $"does not know, or is not a complete model. Its {keys.Count} keys: {GgufText.List(keys)}.");

    private GgufException Odd(string key, string expected) =>
        new($"{path}: the metadata key '{key}' is {GgufText.TypeName(values[key])} {Describe(key)}; expected {expected}. "
            + "Convert the model again with a current converter.");

    internal static bool AsInteger(object value, out long integer)
    {
        bool fits = value is byte or sbyte or ushort or short or uint or int or long or ulong and <= long.MaxValue;
        integer = fits ? Convert.ToInt64(value, CultureInfo.InvariantCulture) : 0;
        return fits;
    }

    private static object ReadValue(GgufMapping mapping, GgufCursor cursor, string key)
    {
        long at = cursor.Position;
        var type = (GgufValueType)cursor.Read<uint>("the type", key);
        return type switch
        {
            GgufValueType.UInt8 => cursor.Read<byte>("the value", key),
            GgufValueType.Int8 => cursor.Read<sbyte>("the value", key),
            GgufValueType.UInt16 => cursor.Read<ushort>("the value", key),
            GgufValueType.Int16 => cursor.Read<short>("the value", key),
            GgufValueType.UInt32 => cursor.Read<uint>("the value", key),
            GgufValueType.Int32 => cursor.Read<int>("the value", key),
            GgufValueType.UInt64 => cursor.Read<ulong>("the value", key),
            GgufValueType.Int64 => cursor.Read<long>("the value", key),
            GgufValueType.Float32 => cursor.Read<float>("the value", key),
            GgufValueType.Float64 => cursor.Read<double>("the value", key),
            GgufValueType.Bool => ReadBoolean(cursor, key),
            GgufValueType.String => cursor.ReadText(LongestText, "the value", key),
            GgufValueType.Array => ReadArray(mapping, cursor, key),
            _ => throw cursor.Fail(at, $"the metadata key '{key}' has the unknown value type {(uint)type}; expected 0 to 12. The file is "
                + "damaged."),
        };
    }

    private static bool ReadBoolean(GgufCursor cursor, string key)
    {
        long at = cursor.Position;
        byte value = cursor.Read<byte>("the value", key);
        return value <= 1 ? value == 1
            : throw cursor.Fail(at, $"the boolean '{key}' is the byte {value}; expected 0 or 1. The file is damaged.");
    }

    private static GgufArray ReadArray(GgufMapping mapping, GgufCursor cursor, string key)
    {
        long at = cursor.Position;
        var elements = (GgufValueType)cursor.Read<uint>("the element type", key);
        if (elements == GgufValueType.Array)
            throw cursor.Fail(at, $"the metadata key '{key}' is an array of arrays, which this engine does not read. No known model uses "
                + "one.");
        int bytes = elements.MinimalBytes();
        if (bytes == 0)
            throw cursor.Fail(at, $"the array '{key}' has the unknown element type {(uint)elements}; expected 0 to 12. The file is "
                + "damaged.");
        long count = cursor.ReadCount(bytes, "the number of elements", key);
        var array = new GgufArray(mapping, key, elements, cursor.Position, count);
        if (elements == GgufValueType.String)
            cursor.SkipTexts(count, "an element", key);
        else
            cursor.Skip(count * bytes, "the elements", key);
        return array;
    }
}
