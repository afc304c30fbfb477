using System.Text;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Gguf;

/// <summary>Writes a GGUF file, version 3: collect keys and tensors, then <see cref="Write"/> streams header and data. Tensor bytes
/// are asked for in chunks, front to back, so that a file larger than memory can be written.</summary>
public sealed class GgufWriter
{
    private const int ChunkBytes = 1 << 20;

    private readonly List<(string Key, object Value)> values = [];
    private readonly List<Entry> tensors = [];
    private readonly HashSet<string> names = new(StringComparer.Ordinal);
    private readonly int alignment;

    /// <summary>Fills the next bytes of a tensor; <paramref name="offset"/> counts from the tensor's first byte.</summary>
    public delegate void TensorFill(Span<byte> chunk, long offset);

    /// <param name="alignment">Of each tensor's first byte; a power of two from 8 to 65536. Written to the file where it is not 32.</param>
    public GgufWriter(int alignment = 32)
    {
        if (alignment is < 8 or > 65_536 || !int.IsPow2(alignment))
            throw new ArgumentOutOfRangeException(nameof(alignment), alignment, "Expected a power of two from 8 to 65536.");
        this.alignment = alignment;
        if (alignment != 32)
            Add("general.alignment", (uint)alignment);
    }

    /// <summary>Bytes of all tensors added, padding included.</summary>
    public long DataBytes { get; private set; }

    /// <param name="value">A value of one of the types <see cref="GgufMetadata"/> names, or an array of them.</param>
    public GgufWriter Add(string key, object value)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        ArgumentNullException.ThrowIfNull(value);
        _ = TypeOf(value is Array ? value.GetType().GetElementType()! : value.GetType());
        if (!names.Add("key " + key))
            throw new ArgumentException($"The key '{key}' was added before.", nameof(key));
        values.Add((key, value));
        return this;
    }

    /// <summary>The keys of another file for which <paramref name="wanted"/> holds, in its order; never its alignment, which is this writer's.</summary>
    public GgufWriter AddAll(GgufMetadata source, Func<string, bool> wanted)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(wanted);
        foreach (string key in source.Keys.Where(key => key != "general.alignment" && wanted(key)))
        {
            if (source.TryGetValue(key, out object? value))
                Add(key, value);
        }

        return this;
    }

    /// <param name="dimensions">One to four, fastest first; the first a multiple of the type's block length.</param>
    public GgufWriter AddTensor(string name, GgmlType type, ReadOnlySpan<long> dimensions, TensorFill fill)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(fill);
        if (!BlockFormat.TryGet(type, out BlockFormat format))
            throw new ArgumentException($"{type} has no known layout.", nameof(type));
        if (dimensions.Length is < 1 or > 4 || dimensions.ContainsAnyInRange(long.MinValue, 0) || dimensions[0] % format.Length != 0)
            throw new ArgumentException($"Expected one to four lengths, the first a multiple of {format.Length}; found "
                + $"{string.Join(", ", dimensions.ToArray())}.", nameof(dimensions));
        if (!names.Add("tensor " + name))
            throw new ArgumentException($"The tensor '{name}' was added before.", nameof(name));
        long bytes = dimensions[0] / format.Length * format.Bytes;
        foreach (long length in dimensions[1..])
            bytes = checked(bytes * length);
        tensors.Add(new Entry(name, type, dimensions.ToArray(), DataBytes, bytes, fill));
        DataBytes = checked(Align(DataBytes + bytes));
        return this;
    }

    /// <param name="progress">Told the share of tensor bytes written, 0 to 1.</param>
    public void Write(Stream destination, IProgress<double>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(destination);
        destination.Write(Header());
        byte[] chunk = new byte[(int)Math.Min(ChunkBytes, Math.Max(1, DataBytes))];
        foreach (Entry tensor in tensors)
        {
            for (long offset = 0; offset < tensor.Bytes;)
            {
                var part = chunk.AsSpan(0, (int)Math.Min(chunk.Length, tensor.Bytes - offset));
                tensor.Fill(part, offset);
                destination.Write(part);
                offset += part.Length;
                progress?.Report((tensor.Offset + offset) / (double)DataBytes);
            }

            destination.Write(new byte[Align(tensor.Bytes) - tensor.Bytes]);
        }

        progress?.Report(1);
    }

    /// <summary>Writes under a temporary name beside <paramref name="path"/> and renames it when complete: no half file is ever
    /// left there, whatever throws.</summary>
    /// <param name="progress">Told the share of tensor bytes written, 0 to 1.</param>
    /// <param name="check">Sees the complete file before it gets its name; the file goes when it throws.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void WriteFile(string path, IProgress<double>? progress = null, Action<string>? check = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string partial = $"{path}.partial-{Environment.ProcessId}";
        try
        {
            using (var stream = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
                Write(stream, progress);
            check?.Invoke(partial);
            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>All before the first tensor's first byte.</summary>
    internal byte[] Header()
    {
        using var header = new MemoryStream();
        using (var writer = new BinaryWriter(header, Encoding.UTF8, leaveOpen: true))
            WriteHeader(writer);
        header.SetLength(Align(header.Length));
        return header.ToArray();
    }

    private long Align(long position) => (position + alignment - 1) / alignment * alignment;

    private void WriteHeader(BinaryWriter writer)
    {
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write((long)tensors.Count);
        writer.Write((long)values.Count);
        foreach ((string key, object value) in values)
        {
            WriteText(writer, key);
            if (value is Array array)
            {
                writer.Write((uint)GgufValueType.Array);
                writer.Write((uint)TypeOf(value.GetType().GetElementType()!));
                writer.Write(array.LongLength);
                foreach (object element in array)
                    WriteValue(writer, element);
            }
            else
            {
                writer.Write((uint)TypeOf(value.GetType()));
                WriteValue(writer, value);
            }
        }

        foreach (Entry tensor in tensors)
        {
            WriteText(writer, tensor.Name);
            writer.Write((uint)tensor.Dimensions.Length);
            foreach (long length in tensor.Dimensions)
                writer.Write(length);
            writer.Write((uint)tensor.Type);
            writer.Write(tensor.Offset);
        }
    }

    private static void WriteText(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((long)bytes.Length);
        writer.Write(bytes);
    }

    private static void WriteValue(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case byte v: writer.Write(v); break;
            case sbyte v: writer.Write(v); break;
            case ushort v: writer.Write(v); break;
            case short v: writer.Write(v); break;
            case uint v: writer.Write(v); break;
            case int v: writer.Write(v); break;
            case ulong v: writer.Write(v); break;
            case long v: writer.Write(v); break;
            case float v: writer.Write(v); break;
            case double v: writer.Write(v); break;
            case bool v: writer.Write(v); break;
            default: WriteText(writer, (string)value); break;
        }
    }

    private static GgufValueType TypeOf(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Byte => GgufValueType.UInt8,
        TypeCode.SByte => GgufValueType.Int8,
        TypeCode.UInt16 => GgufValueType.UInt16,
        TypeCode.Int16 => GgufValueType.Int16,
        TypeCode.UInt32 => GgufValueType.UInt32,
        TypeCode.Int32 => GgufValueType.Int32,
        TypeCode.UInt64 => GgufValueType.UInt64,
        TypeCode.Int64 => GgufValueType.Int64,
        TypeCode.Single => GgufValueType.Float32,
        TypeCode.Double => GgufValueType.Float64,
        TypeCode.Boolean => GgufValueType.Bool,
        TypeCode.String => GgufValueType.String,
        _ => throw new ArgumentException($"GGUF has no value type for {type}."),
    };

    private sealed record Entry(string Name, GgmlType Type, long[] Dimensions, long Offset, long Bytes, TensorFill Fill);
}
