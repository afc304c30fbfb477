using System.Security.Cryptography;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>
/// A second file with a model's quantized matrices, sixteen rows side by side (<see cref="GroupLayout"/>): a permutation of the
/// source's bytes, of the same size, made once beside a cache folder and then mapped by every process of the machine. With it one
/// token's products run at the speed of the memory, and a batch unpacks without transposing; without it the same bits come slower.
/// It is GGUF itself, so that one reader checks it, under an architecture of its own, so that nobody takes it for a model. Each load
/// checks its header and that it was made of this source, as <see cref="Serving.ModelCard.ContentHash"/> names it; the source's
/// whole SHA-256, taken while it is made, stands in its metadata for whoever wants to check more.
/// </summary>
public sealed unsafe class RowTwin : IDisposable
{
    /// <summary>Below this the processor's caches hold the weights and a twin would not be noticed.</summary>
    public const long LeastBytes = 64L << 20;

    private const string Architecture = "smolcluster-rows16";
    private const string SourceKey = "smolcluster.rows16.source";
    private const string ChecksumKey = "smolcluster.rows16.source_sha256";
    private const int ChunkBytes = 1 << 20;

    /// <summary>What the disk keeps free beside a new twin.</summary>
    private const long SpareBytes = 256L << 20;

    /// <summary>A partial file that nobody wrote to for so long was left by a process that was killed.</summary>
    private static readonly TimeSpan LeftOver = TimeSpan.FromMinutes(10);

    private readonly GgufFile _file;

    private RowTwin(GgufFile file) => _file = file;

    public string Path => _file.Path;

    /// <summary>Whether this machine's kernels use one for this file.</summary>
    public static bool IsUseful(GgufFile source, long leastBytes = LeastBytes)
    {
        ArgumentNullException.ThrowIfNull(source);
        return source.Length >= leastBytes && Kernels.Simd.Level >= Kernels.SimdLevel.Avx2 && Grouped(source).Any();
    }

    /// <summary>Maps the twin of <paramref name="source"/>, making it first where the folder has none or a damaged one.</summary>
    /// <param name="sourceHash">The source by content, see <see cref="Serving.ModelCard.ContentHash"/>.</param>
    /// <param name="progress">Told the share made, 0 to 1; nothing where it is there already.</param>
    /// <exception cref="IOException">It cannot be written: no room, no right, a failing disk. The message says which.</exception>
    public static RowTwin OpenOrMake(GgufFile source, string sourceHash, string folder, IProgress<double>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentException.ThrowIfNullOrEmpty(sourceHash);
        string path = System.IO.Path.Combine(folder, $"{sourceHash}.gguf");
        if (TryOpen(path, source, sourceHash) is { } there)
        {
            return there;
        }

        try
        {
            Make(source, sourceHash, path, progress);
        }
        catch (UnauthorizedAccessException denied)
        {
            throw new IOException(denied.Message, denied);
        }

        return TryOpen(path, source, sourceHash) ?? throw new IOException($"{path} was written and cannot be read back.");
    }

    /// <summary>The tensor's groups of sixteen rows, then the rows that are left as they lie in the source; null: not in the twin.</summary>
    internal byte* Rows(string tensor) => _file.TryGetTensor(tensor, out GgufTensor? grouped) ? _file.Data(grouped) : null;

    public void Dispose() => _file.Dispose();

    // null: missing, damaged, or another file's
    private static RowTwin? TryOpen(string path, GgufFile source, string sourceHash)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            GgufFile file = GgufFile.Open(path);
            if (file.Metadata.Text(SourceKey, "") == sourceHash && Grouped(source).All(tensor => Matches(file, tensor)))
            {
                return new RowTwin(file);
            }

            file.Dispose();
        }
        catch (GgufException)
        {
            // cut short or overwritten: made again
        }

        return null;
    }

    private static bool Matches(GgufFile file, GgufTensor tensor) => file.TryGetTensor(tensor.Name, out GgufTensor? twin)
        && twin.Type == tensor.Type && twin.Dimensions.SequenceEqual(tensor.Dimensions);

    private static IEnumerable<GgufTensor> Grouped(GgufFile source) => source.Tensors.Where(static t => RowDot.Layout(t.Type).BlockBytes > 0 && t.Rows >= GroupLayout.Rows);

    private static void Make(GgufFile source, string sourceHash, string path, IProgress<double>? progress)
    {
        string folder = System.IO.Path.GetDirectoryName(path)!;
        RemoveLeftovers(Directory.CreateDirectory(folder));
        long bytes = Grouped(source).Sum(static t => t.ByteLength), free = new DriveInfo(folder).AvailableFreeSpace;
        if (free < bytes + SpareBytes)
        {
            throw new IOException($"{folder} has {free >> 20} MiB free; {(bytes + SpareBytes) >> 20} are needed.");
        }

        var writer = new GgufWriter();
        writer.Add("general.architecture", Architecture);
        writer.Add(SourceKey, sourceHash);
        writer.Add(ChecksumKey, Checksum(source, new Part(progress, 0, 0.2)));
        foreach (GgufTensor tensor in Grouped(source))
        {
            var rows = new GroupedRows(source.Data(tensor), tensor);
            writer.AddTensor(tensor.Name, tensor.Type, [.. tensor.Dimensions], rows.Fill);
        }

        // several processes may make it at once: each writes its own, and the last to finish stays
        string partial = $"{path}.partial-{Environment.ProcessId}";
        try
        {
            using (var stream = new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                writer.Write(stream, new Part(progress, 0.2, 1));
                stream.Flush(flushToDisk: true);
            }

            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    // each is as large as a model
    private static void RemoveLeftovers(DirectoryInfo folder)
    {
        foreach (FileInfo partial in folder.EnumerateFiles("*.gguf.partial-*").Where(static file => file.LastWriteTimeUtc < DateTime.UtcNow - LeftOver))
        {
            partial.Delete();
        }
    }

    private static string Checksum(GgufFile source, Part progress)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] chunk = new byte[ChunkBytes];
        long done = 0;
        foreach (GgufFile part in source.Parts)
        {
            using var stream = new FileStream(part.Path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            for (int read; (read = stream.Read(chunk)) > 0;)
            {
                hash.AppendData(chunk, 0, read);
                progress.Report((done += read) / (double)source.Length);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>A part of a longer progress.</summary>
    private sealed class Part(IProgress<double>? whole, double from, double to) : IProgress<double>
    {
        public void Report(double value) => whole?.Report(from + (to - from) * value);
    }
}
