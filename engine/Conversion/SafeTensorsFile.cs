using System.Buffers.Binary;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Conversion;

/// <summary>A SafeTensors file: the length of a JSON header, the header, and the tensors' bytes one after the other. Everything the
/// header says is checked when the file is opened.</summary>
internal sealed class SafeTensorsFile : IDisposable
{
    private const int LongestHeader = 100_000_000; // the format's own limit
    private const int MostTensors = 65_536;
    private const int MostDimensions = 4;

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly long _length;

    private SafeTensorsFile(string path)
    {
        _path = path;
        _file = File.OpenHandle(path);
        try
        {
            _length = RandomAccess.GetLength(_file);
            Tensors = ReadHeader();
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public IReadOnlyList<SourceTensor> Tensors { get; }

    /// <exception cref="CheckpointException">The file is missing, cut short or inconsistent.</exception>
    public static SafeTensorsFile Open(string path)
    {
        try
        {
            return new SafeTensorsFile(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be read: {failure.Message}");
        }
    }

    public void Dispose() => _file.Dispose();

    private List<SourceTensor> ReadHeader()
    {
        if (_length < 8)
            throw Fail($"the file is {_length} bytes long; a SafeTensors header takes 8 at least. It is cut short; download it again.");
        Span<byte> prefix = stackalloc byte[8];
        Fill(prefix, 0);
        ulong header = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (header > LongestHeader || (long)header > _length - 8)
            throw Fail($"the header is said to be {header} bytes long, of a file of {_length}; at most {LongestHeader} are accepted. It is no SafeTensors file (a Git LFS pointer or a web page?), or cut short.");
        byte[] bytes = new byte[header];
        Fill(bytes, 8);
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            return Entries(document.RootElement, 8 + (long)header);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException) // the latter: text that is no Unicode
        {
            throw Fail($"the header is no JSON: {failure.Message}");
        }
    }

    private List<SourceTensor> Entries(JsonElement root, long data)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw Fail("the header is no JSON object.");
        var names = new HashSet<string>(StringComparer.Ordinal);
        var placed = new List<(SourceTensor Tensor, long Start, long End)>();
        foreach (JsonProperty entry in root.EnumerateObject().Where(static entry => entry.Name != "__metadata__"))
        {
            if (!names.Add(entry.Name))
                throw Fail($"the tensor '{entry.Name}' occurs twice.");
            if (names.Count > MostTensors)
                throw Fail($"there are more than {MostTensors} tensors.");
            placed.Add(Entry(entry.Name, entry.Value, data));
        }

        long next = data;
        foreach ((SourceTensor tensor, long start, long end) in placed.OrderBy(static p => p.Start).ThenBy(static p => p.End))
        {
            if (start != next)
                throw Fail($"the tensor '{tensor.Name}' begins at byte {start}; expected {next}, where the one before ends.");
            next = end;
        }

        return next == _length ? [.. placed.Select(static p => p.Tensor)]
            : throw Fail($"the tensors end at byte {next}, but the file at {_length}. It is cut short or damaged; download it again.");
    }

    private (SourceTensor Tensor, long Start, long End) Entry(string name, JsonElement value, long data)
    {
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty("dtype", out JsonElement dtype) || dtype.ValueKind != JsonValueKind.String
            || !value.TryGetProperty("shape", out JsonElement shape) || !value.TryGetProperty("data_offsets", out JsonElement offsets))
            throw Fail($"the entry of '{name}' lacks dtype, shape or data_offsets.");
        long[] dimensions = Integers(name, "shape", shape), range = Integers(name, "data_offsets", offsets);
        if (dimensions.Length is < 1 or > MostDimensions || dimensions.Any(static d => d < 1))
            throw Fail($"the tensor '{name}' has the shape [{string.Join(", ", dimensions)}]; expected one to {MostDimensions} lengths above 0.");
        GgmlType type = dtype.GetString() switch
        {
            "F32" => GgmlType.F32,
            "F16" => GgmlType.F16,
            "BF16" => GgmlType.BF16,
            _ => throw Fail($"the tensor '{name}' is of type {dtype}; expected F32, F16 or BF16. A quantized checkpoint has to be converted by what quantized it."),
        };
        long bytes;
        try
        {
            bytes = checked(SourceTensor.Count(dimensions) * SourceTensor.BytesEach(type));
        }
        catch (OverflowException)
        {
            throw Fail($"the tensor '{name}' has the shape [{string.Join(", ", dimensions)}], which no file can hold.");
        }

        if (range.Length != 2 || range[0] < 0 || range[0] > _length - data || range[1] - range[0] != bytes || range[1] > _length - data)
            throw Fail($"the tensor '{name}' lies at [{string.Join(", ", range)}]; its shape and type take {bytes} bytes, and the file has {_length - data} for tensors. It is cut short or damaged.");
        long start = data + range[0];
        return (new SourceTensor(name, type, dimensions, (span, offset) => Fill(span, start + offset)) { Place = (_path, start) }, start, start + bytes);
    }

    private long[] Integers(string name, string field, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
            throw Fail($"{field} of '{name}' is no array.");
        return [.. value.EnumerateArray().Select(element => element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out long integer) ? integer
            : throw Fail($"{field} of '{name}' holds {element}; expected integers."))];
    }

    private void Fill(Span<byte> span, long at)
    {
        while (!span.IsEmpty)
        {
            int count = RandomAccess.Read(_file, span, at);
            if (count == 0)
                throw Fail($"the file ends at byte {at}; it was longer when it was opened.");
            span = span[count..];
            at += count;
        }
    }

    private CheckpointException Fail(string message) => new($"{_path}: {GgufText.Clean(message, 2000)}");
}
