using System.IO.Compression;
using System.Text;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Conversion;

/// <summary>A file that torch.save wrote (.bin, .pt, .pth): a zip archive with a pickle, which describes tensors, and a file for each
/// storage. The pickle is read by <see cref="PickleReader"/>, which runs no code.</summary>
internal sealed class TorchCheckpoint : IDisposable
{
    private const long LongestPickle = 64 << 20;
    private const int MostEntries = 131_072;
    private const string Rebuild = "torch._utils._rebuild_tensor_v2";
    private const string RebuildParameter = "torch._utils._rebuild_parameter";

    private static readonly Dictionary<string, GgmlType> Storages = new(StringComparer.Ordinal)
    {
        ["torch.FloatStorage"] = GgmlType.F32,
        ["torch.HalfStorage"] = GgmlType.F16,
        ["torch.BFloat16Storage"] = GgmlType.BF16,
    };

    private static readonly HashSet<string> Allowed = [.. Storages.Keys, Rebuild, RebuildParameter, "collections.OrderedDict"];

    private readonly string _path;
    private readonly ZipArchive _archive;
    private readonly string _root;
    private ZipArchiveEntry? _open;
    private Stream? _stream;
    private long _position;

    private TorchCheckpoint(string path)
    {
        _path = path;
        _archive = new ZipArchive(File.OpenRead(path), ZipArchiveMode.Read);
        try
        {
            if (_archive.Entries.Count > MostEntries)
                throw Fail($"the archive has {_archive.Entries.Count} entries; at most {MostEntries} are accepted.");
            ZipArchiveEntry pickle = _archive.Entries.FirstOrDefault(static e => e.FullName.EndsWith("/data.pkl", StringComparison.Ordinal))
                ?? throw Fail("there is no data.pkl in the archive; expected a file that torch.save wrote.");
            _root = pickle.FullName[..^"data.pkl".Length];
            RequireLittleEndian();
            Tensors = Interpret(new PickleReader(path, Bytes(pickle, LongestPickle), Allowed).Read());
        }
        catch
        {
            _archive.Dispose();
            throw;
        }
    }

    public IReadOnlyList<SourceTensor> Tensors { get; }

    /// <exception cref="CheckpointException">No zip archive of torch.save, or it asks for anything but tensors.</exception>
    public static TorchCheckpoint Open(string path)
    {
        try
        {
            return new TorchCheckpoint(path);
        }
        catch (InvalidDataException)
        {
            throw new CheckpointException($"{path}: this is no zip archive; files of torch.save from before PyTorch 1.6 are not read. Get the model as SafeTensors.");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException($"{path}: cannot be read: {failure.Message}");
        }
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _archive.Dispose();
    }

    private void RequireLittleEndian()
    {
        if (_archive.GetEntry(_root + "byteorder") is { } order && Encoding.ASCII.GetString(Bytes(order, 64)) is not "little" and var found)
            throw Fail($"the byte order is '{found}'; expected little.");
    }

    private List<SourceTensor> Interpret(object? value)
    {
        foreach (string wrapper in (ReadOnlySpan<string>)["state_dict", "model"])
        {
            if (value is Dictionary<object, object?> outer && outer.TryGetValue(wrapper, out object? inner) && inner is Dictionary<object, object?>)
                value = inner;
        }

        if (value is not Dictionary<object, object?> tensors)
            throw Fail("the pickle is no dict of tensors.");
        return [.. tensors.Select(pair => Tensor($"{pair.Key}", pair.Value))];
    }

    private SourceTensor Tensor(string name, object? value)
    {
        if (value is PickleCall { Function: var wrapper, Arguments: [var inner, ..] } && wrapper.ToString() == RebuildParameter)
            value = inner;
        if (value is not PickleCall { Arguments: [PicklePersistent { Id: object?[] storage }, long start, object?[] sizes, object?[] strides, ..] } call
            || call.Function.ToString() != Rebuild)
            throw Fail($"'{name}' is no tensor; expected a dict of tensors and nothing else.");
        if (storage is not ["storage", PickleGlobal kind, string key, string, long count] || !Storages.TryGetValue(kind.ToString(), out GgmlType type))
            throw Fail($"the tensor '{name}' has a storage of {(storage is [_, PickleGlobal other, ..] ? other : "an unknown form")}; expected 32-bit, 16-bit or bfloat16 floats.");
        if (sizes.Length is < 1 or > 4 || !sizes.All(static size => size is long and > 0))
            throw Fail($"the tensor '{name}' has the shape [{string.Join(", ", sizes)}]; expected one to four lengths above 0.");
        long[] shape = [.. sizes.Cast<long>()];
        RequireContiguous(name, shape, strides);
        ZipArchiveEntry entry = _archive.GetEntry($"{_root}data/{key}") ?? throw Fail($"the storage '{key}' of '{name}' is missing in the archive.");
        long elements, each = SourceTensor.BytesEach(type);
        try
        {
            elements = SourceTensor.Count(shape);
        }
        catch (OverflowException)
        {
            elements = long.MaxValue;
        }

        if (start < 0 || count < 0 || elements > count || start > count - elements || count > entry.Length / each)
            throw Fail($"the tensor '{name}' [{string.Join(", ", shape)}] lies outside of its storage of {entry.Length} bytes. The file is damaged.");
        if (entry.CompressedLength != entry.Length)
            throw Fail($"the storage '{key}' is compressed; torch.save stores them as they are.");
        return new SourceTensor(name, type, shape, (span, offset) => Fill(entry, span, (start * each) + offset));
    }

    private void RequireContiguous(string name, long[] shape, object?[] strides)
    {
        long expected = 1;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            if (strides.Length != shape.Length || strides[d] is not long stride || (shape[d] != 1 && stride != expected))
                throw Fail($"the tensor '{name}' is a view with strides [{string.Join(", ", strides)}]; expected rows that lie one after the other.");
            expected = unchecked(expected * shape[d]);
        }
    }

    /// <summary>Forward within an entry without opening it again.</summary>
    private void Fill(ZipArchiveEntry entry, Span<byte> span, long at)
    {
        if (_open != entry || _position > at)
        {
            _stream?.Dispose();
            (_open, _stream, _position) = (entry, entry.Open(), 0);
        }

        Span<byte> skipped = stackalloc byte[4096];
        for (; _position < at; _position += skipped.Length)
        {
            skipped = skipped[..(int)Math.Min(skipped.Length, at - _position)];
            _stream!.ReadExactly(skipped);
        }

        _stream!.ReadExactly(span);
        _position += span.Length;
    }

    private byte[] Bytes(ZipArchiveEntry entry, long most)
    {
        if (entry.Length < 0 || entry.Length > most)
            throw Fail($"{entry.FullName} is {entry.Length} bytes long; at most {most} are accepted.");
        byte[] bytes = new byte[entry.Length];
        using Stream stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    private CheckpointException Fail(string message) => new($"{_path}: {GgufText.Clean(message, 2000)}");
}
