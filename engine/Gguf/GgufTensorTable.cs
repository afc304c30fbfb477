using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Gguf;

/// <summary>Reads the tensor table and proves that every tensor's bytes lie inside the file, aligned and apart from each other.</summary>
internal static class GgufTensorTable
{
    private const int MostTensors = 65_536;
    private const int LongestName = 1024;
    private const int MostDimensions = 4;

    /// <summary>Name length, one byte of name, dimension count, one dimension, type, offset.</summary>
    public const int MinimalEntryBytes = 8 + 1 + 4 + 8 + 4 + 8;

    /// <param name="cursor">After the metadata; left after the table.</param>
    public static GgufTensor[] Read(GgufCursor cursor, long count, long alignment, long fileLength)
    {
        if (count > MostTensors)
            throw cursor.Fail(8, $"the file announces {count} tensors; at most {MostTensors} are accepted. The file is damaged.");
        var tensors = new GgufTensor[count];
        var places = new long[count];
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            places[i] = cursor.Position;
            tensors[i] = ReadEntry(cursor, alignment);
            if (!names.Add(tensors[i].Name))
                throw cursor.Fail(places[i], $"the tensor '{tensors[i].Name}' occurs twice. The file is damaged.");
        }

        long data = checked((cursor.Position + alignment - 1) / alignment * alignment);
        for (int i = 0; i < count; i++)
            tensors[i] = Place(cursor, tensors[i], places[i], data, fileLength);
        CheckApart(cursor, tensors, data);
        return tensors;
    }

    /// <summary>The entry with its offset still counted from the data section.</summary>
    private static GgufTensor ReadEntry(GgufCursor cursor, long alignment)
    {
        long at = cursor.Position;
        string name = cursor.ReadText(LongestName, "a tensor's name");
        if (name.Length == 0)
            throw cursor.Fail(at, "a tensor has an empty name. The file is damaged.");
        at = cursor.Position;
        uint dimensionCount = cursor.Read<uint>("the number of dimensions", name);
        if (dimensionCount is < 1 or > MostDimensions)
            throw cursor.Fail(at, $"the tensor '{name}' has {dimensionCount} dimensions; expected 1 to {MostDimensions}. The file is "
                + "damaged.");
        var dimensions = new long[dimensionCount];
        for (int d = 0; d < dimensions.Length; d++)
        {
            at = cursor.Position;
            ulong length = cursor.Read<ulong>("a dimension", name);
            if (length is 0 or > long.MaxValue)
                throw cursor.Fail(at, $"dimension {d} of the tensor '{name}' is {length}; expected 1 or more. The file is damaged.");
            dimensions[d] = (long)length;
        }

        at = cursor.Position;
        var type = (GgmlType)cursor.Read<uint>("the type", name);
        long bytes = ByteLength(cursor, at, name, type, dimensions);
        at = cursor.Position;
        ulong offset = cursor.Read<ulong>("the offset", name);
        if (offset > long.MaxValue || (long)offset % alignment != 0)
            throw cursor.Fail(at, $"the tensor '{name}' lies at offset {offset}, which is no multiple of the alignment {alignment}. The "
                + "file is damaged.");
        return new GgufTensor(name, type, dimensions, (long)offset, bytes);
    }

    private static long ByteLength(GgufCursor cursor, long at, string name, GgmlType type, long[] dimensions)
    {
        if (!BlockFormat.TryGet(type, out BlockFormat format))
        {
            string found = Enum.IsDefined(type) ? $"{type}" : $"the unknown type number {(uint)type}";
            throw cursor.Fail(at, $"the tensor '{name}' is of type {found}, which this engine does not read; it reads "
                + $"{string.Join(", ", Enum.GetValues<GgmlType>().Where(static t => BlockFormat.TryGet(t, out _)))}. "
                + "Get the model in one of those, for example Q4_K_M.");
        }

        if (dimensions[0] % format.Length != 0)
        {
            throw cursor.Fail(at, $"the tensor '{name}' has rows of {dimensions[0]} weights; expected a multiple of {type}'s "
                + $"block length {format.Length}. The file is damaged.");
        }

        long bytes = dimensions[0] / format.Length;
        bool overflow = Math.BigMul(bytes, format.Bytes, out bytes) != 0 || bytes < 0;
        foreach (long length in dimensions.AsSpan(1))
            overflow |= Math.BigMul(bytes, length, out bytes) != 0 || bytes < 0;
        return !overflow ? bytes
            : throw cursor.Fail(at, $"the tensor '{name}' of {string.Join(" × ", dimensions)} weights is larger than any file. The file "
                + "is damaged.");
    }

    private static GgufTensor Place(GgufCursor cursor, GgufTensor tensor, long at, long data, long fileLength)
    {
        if (data > fileLength || tensor.Offset > fileLength - data || tensor.ByteLength > fileLength - data - tensor.Offset)
        {
            throw cursor.Fail(at, $"the tensor '{tensor.Name}' lies at bytes {(UInt128)data + (UInt128)tensor.Offset} to "
                + $"{(UInt128)data + (UInt128)tensor.Offset + (UInt128)tensor.ByteLength}, but the file ends at {fileLength}. "
                + "It is cut short; download it again.");
        }

        return tensor with { Offset = data + tensor.Offset };
    }

    /// <summary>Two tensors on the same bytes can only be a damaged or a crafted file.</summary>
    private static void CheckApart(GgufCursor cursor, GgufTensor[] tensors, long data)
    {
        GgufTensor[] ordered = [.. tensors.OrderBy(static t => t.Offset)];
        for (int i = 1; i < ordered.Length; i++)
        {
            GgufTensor before = ordered[i - 1], after = ordered[i];
            if (after.Offset < before.Offset + before.ByteLength)
            {
                throw cursor.Fail(after.Offset, $"the tensors '{before.Name}' (offset {before.Offset - data}, {before.ByteLength} bytes) "
                    + $"and '{after.Name}' (offset {after.Offset - data}) overlap. The file is damaged.");
            }
        }
    }
}
