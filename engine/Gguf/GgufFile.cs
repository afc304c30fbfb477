using System.Diagnostics.CodeAnalysis;

namespace SmolCluster.Engine.Gguf;

/// <summary>A GGUF file (versions 2 and 3), memory-mapped read-only, its header checked to the byte before anything is returned.</summary>
/// <remarks>Everything a file says is proved at <see cref="Open"/>, once: whoever holds a <see cref="GgufFile"/> may follow its
/// offsets without checks. A tensor type the engine cannot read is refused here too, since no use of the file could go well.
/// What no check can help with: another program that shortens the file while it is mapped (the process then gets a bus error);
/// replace model files by renaming.</remarks>
public sealed class GgufFile : IDisposable
{
    private const int HeaderBytes = 24;

    private readonly GgufMapping mapping;
    private readonly unsafe byte* start;
    private GgufTensor[] tensors;
    private Dictionary<string, GgufTensor> byName;
    private GgufFile[] parts;
    private readonly long length;
    private readonly IReadOnlyDictionary<string, nint>? places;
    private readonly IDisposable? owner;
    private bool disposed;

    /// <summary>A split model is opened by its first part, NAME-00001-of-00003.gguf; the others must lie beside it.</summary>
    /// <exception cref="GgufException">The file is missing, not GGUF, cut short or inconsistent.</exception>
    public static GgufFile Open(string path)
    {
        GgufFile file = OpenOne(path);
        try
        {
            if (file.Metadata.Integer("split.count", 1) > 1)
                file.Join(GgufParts.Open(file, OpenOne));
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>A file that nobody has written: its header as it would be, and its tensors wherever they lie.</summary>
    /// <param name="path">What messages name.</param>
    /// <param name="header">All before the first tensor.</param>
    /// <param name="length">Of the whole file, were it written.</param>
    /// <param name="places">The first byte of each tensor, by name.</param>
    /// <param name="owner">Of these places; disposed with the file, and not where this throws.</param>
    /// <exception cref="GgufException">The header is none.</exception>
    internal static GgufFile Assemble(string path, byte[] header, long length, IReadOnlyDictionary<string, nint> places, IDisposable owner)
    {
        var mapping = new GgufMapping(path, header);
        try
        {
            return new GgufFile(mapping, length, places, owner);
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    private static GgufFile OpenOne(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
            throw new GgufException($"{path}: this is a folder; expected a GGUF file. Name one of the files in it.");
        try
        {
            var mapping = new GgufMapping(path);
            try
            {
                return new GgufFile(mapping);
            }
            catch
            {
                mapping.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new GgufException($"{path}: there is no such file (looked in {System.IO.Path.GetFullPath(path)}). Check the path, or "
                + "download the model first.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new GgufException($"{path}: the file cannot be opened for reading: {e.Message}");
        }
    }

    private unsafe GgufFile(GgufMapping mapping, long? length = null, IReadOnlyDictionary<string, nint>? places = null, IDisposable? owner = null)
    {
        (this.mapping, this.length, this.places, this.owner) = (mapping, length ?? mapping.Length, places, owner);
        start = mapping.Acquire();
        try
        {
            var cursor = new GgufCursor(start, mapping.Length, Path);
            CheckMagic(cursor);
            Version = cursor.Read<uint>("the version");
            CheckVersion(cursor);
            long tensorCount = cursor.ReadCount(GgufTensorTable.MinimalEntryBytes, "the number of tensors");
            long keyCount = cursor.ReadCount(8 + 1 + 4 + 1, "the number of metadata entries");
            Metadata = new GgufMetadata(mapping, cursor, keyCount);
            tensors = GgufTensorTable.Read(cursor, tensorCount, Alignment(), this.length);
            byName = tensors.ToDictionary(static t => t.Name, StringComparer.Ordinal);
            HeaderLength = tensors.Length == 0 ? mapping.Length : tensors.Min(static t => t.Offset);
            parts = [this];
        }
        catch
        {
            mapping.Release();
            throw;
        }
    }

    public string Path => mapping.Path;

    public uint Version { get; }

    /// <summary>File size in bytes, of all parts.</summary>
    public long Length => parts.Sum(static part => part.length);

    /// <summary>This file, and the others of a split model.</summary>
    internal IReadOnlyList<GgufFile> Parts => parts;

    /// <summary>Bytes before the first tensor of this part.</summary>
    internal long HeaderLength { get; }

    /// <summary>The first byte of this part.</summary>
    internal unsafe byte* Start => start;

    public GgufMetadata Metadata { get; }

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<GgufTensor> Tensors => tensors;

    public bool TryGetTensor(string name, [NotNullWhen(true)] out GgufTensor? tensor) => byName.TryGetValue(name, out tensor);

    /// <summary>The tensor's bytes in the mapping; valid until this file is disposed. Longer than a span can be for large
    /// tensors, therefore a pointer; the length is <see cref="GgufTensor.ByteLength"/>.</summary>
    /// <exception cref="ArgumentException">The tensor is not one of this file's.</exception>
    public unsafe byte* Data(GgufTensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        ObjectDisposedException.ThrowIf(disposed, this);
        if (!byName.TryGetValue(tensor.Name, out GgufTensor? own) || own.Offset != tensor.Offset || own.ByteLength != tensor.ByteLength)
            throw new ArgumentException($"The tensor '{tensor.Name}' is not one of {Path}.", nameof(tensor));
        return places is null ? parts[own.Part].start + tensor.Offset : (byte*)places[own.Name];
    }

    /// <summary>What was read until now (a vocabulary, the beginnings of tensors, what a twin was made of) is not resident any more.</summary>
    public void LeaveToPageCache()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        foreach (GgufFile part in parts)
            part.mapping.LeaveToPageCache();
    }

    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        mapping.Release();
        mapping.Dispose();
        owner?.Dispose();
        foreach (GgufFile part in parts)
            part.Dispose(); // itself among them, which is done
    }

    /// <summary>Takes the other parts' tensors for its own; closes them with itself.</summary>
    private void Join(GgufFile[] others)
    {
        parts = [this, .. others];
        tensors = [.. parts.SelectMany(static (part, number) => part.tensors.Select(tensor => tensor with { Part = number }))];
        if (tensors.GroupBy(static t => t.Name, StringComparer.Ordinal).FirstOrDefault(static same => same.Count() > 1) is { } twice)
            throw new GgufException($"{Path}: the tensor '{GgufText.Clean(twice.Key, 200)}' occurs in two parts of the model. The parts do not belong together; download them again.");
        byName = tensors.ToDictionary(static t => t.Name, StringComparer.Ordinal);
        long expected = Metadata.Integer("split.tensors.count", tensors.Length);
        if (expected != tensors.Length)
            throw new GgufException($"{Path}: the parts hold {tensors.Length} tensors together; 'split.tensors.count' is {expected}. The parts do not belong together; download them again.");
    }

    private void CheckMagic(GgufCursor cursor)
    {
        if (mapping.Length >= 4 && cursor.Read<uint>("the magic number") is uint magic && magic != 0x46554747)
        {
            Span<byte> first = [(byte)magic, (byte)(magic >> 8), (byte)(magic >> 16), (byte)(magic >> 24)];
            string hint = first.SequenceEqual("vers"u8) ? "This is a Git LFS pointer and not the model: run 'git lfs pull' or download "
                + "the file itself."
                : first.SequenceEqual("FUGG"u8) ? "This is a big-endian file, which this engine does not read; convert the model for "
                    + "little-endian machines."
                : first.SequenceEqual("tjgg"u8) || first.SequenceEqual("lmgg"u8) || first.SequenceEqual("fmgg"u8)
                    ? "This is one of GGUF's predecessors; get the model as GGUF."
                : "Models in GGUF end in .gguf; safetensors, PyTorch files and web pages are not GGUF.";
            throw cursor.Fail(0, $"the file begins with {Convert.ToHexString(first)}; expected 47475546 (\"GGUF\"). {hint}");
        }

        if (mapping.Length < HeaderBytes)
            throw cursor.Fail(0, $"the file is {mapping.Length} bytes long; a GGUF header takes {HeaderBytes}. It is cut short; download it "
                + "again.");
    }

    private void CheckVersion(GgufCursor cursor)
    {
        if (Version is 2 or 3)
            return;
        string hint = Version switch
        {
            1 => "Version 1 was in use for some weeks of 2023; convert the model again.",
            _ when (Version & 0xffff) == 0 => "The number suggests a big-endian file, which this engine does not read; convert the model "
                + "for little-endian machines.",
            _ => "The file is damaged, or newer than this engine.",
        };
        throw cursor.Fail(4, $"the version is {Version}; expected 2 or 3. {hint}");
    }

    private long Alignment()
    {
        const string key = "general.alignment";
        long alignment = Metadata.Integer(key, 32);
        return alignment is >= 8 and <= 65_536 && long.IsPow2(alignment) ? alignment
            : throw new GgufException($"{Path}: the metadata key '{key}' is {alignment}; expected a power of two from 8 to 65536. The "
                + "file is damaged.");
    }
}
