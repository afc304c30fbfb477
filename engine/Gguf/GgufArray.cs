namespace SmolCluster.Engine.Gguf;

/// <summary>An array value that was checked to lie in the file but is decoded only when asked for: opening a model of
/// 128,256 tokens and 280,147 merges steps over them without making a string.</summary>
internal sealed unsafe class GgufArray(GgufMapping mapping, string key, GgufValueType elements, long position, long count)
{
    public GgufValueType Elements => elements;

    public long Count => count;

    /// <summary>A new array of the element type; at most <paramref name="limit"/> elements.</summary>
    public Array Decode(long limit = long.MaxValue)
    {
        byte* start = mapping.Acquire();
        try
        {
            var cursor = new GgufCursor(start, mapping.Length, mapping.Path, position);
            long n = Math.Min(count, limit);
            if (n > Array.MaxLength)
                throw cursor.Fail(position, $"the array '{key}' has {n} elements; at most {Array.MaxLength} can be read at once.");
            return elements switch
            {
                GgufValueType.UInt8 => Values<byte>(cursor, n),
                GgufValueType.Int8 => Values<sbyte>(cursor, n),
                GgufValueType.UInt16 => Values<ushort>(cursor, n),
                GgufValueType.Int16 => Values<short>(cursor, n),
                GgufValueType.UInt32 => Values<uint>(cursor, n),
                GgufValueType.Int32 => Values<int>(cursor, n),
                GgufValueType.UInt64 => Values<ulong>(cursor, n),
                GgufValueType.Int64 => Values<long>(cursor, n),
                GgufValueType.Float32 => Values<float>(cursor, n),
                GgufValueType.Float64 => Values<double>(cursor, n),
                GgufValueType.Bool => Array.ConvertAll(Values<byte>(cursor, n), static b => b != 0),
                _ => Texts(cursor, n),
            };
        }
        finally
        {
            mapping.Release();
        }
    }

    /// <summary>The strings of a string array, not decoded yet.</summary>
    public GgufTexts Texts() => new(mapping, key, position, checked((int)count));

    private T[] Values<T>(GgufCursor cursor, long n) where T : unmanaged
    {
        var values = new T[n];
        for (long i = 0; i < n; i++)
            values[i] = cursor.Read<T>("an element", key);
        return values;
    }

    private string[] Texts(GgufCursor cursor, long n)
    {
        var values = new string[n];
        for (long i = 0; i < n; i++)
            values[i] = cursor.ReadText(GgufMetadata.LongestText, "an element", key);
        return values;
    }
}
