using System.Buffers.Binary;
using System.Text;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Conversion;

/// <summary>How much the error of each column of a matrix counts: the mean square of the activations that meet it, as llama.cpp's
/// imatrix program measures them. Reads its GGUF form and the older .dat form.</summary>
public sealed class ImportanceMatrix
{
    private const int MostEntries = 65_536;
    private const int LongestName = 1024;
    private const int MostColumns = 1 << 24;
    private const string Sums = ".in_sum2";
    private const string Counts = ".counts";

    private readonly Dictionary<string, float[]> _columns = new(StringComparer.Ordinal);

    private ImportanceMatrix(string path) => Path = path;

    public string Path { get; }

    /// <summary>Tensors that it knows.</summary>
    public int Count => _columns.Count;

    /// <summary>The text it was measured with, or null.</summary>
    public string? Dataset { get; private set; }

    /// <summary>Pieces of that text, or null.</summary>
    public long? Chunks { get; private set; }

    /// <exception cref="GgufException">The file is missing, or neither form.</exception>
    public static ImportanceMatrix Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Span<byte> magic = stackalloc byte[4];
        try
        {
            using FileStream stream = File.OpenRead(path);
            bool gguf = stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) == 4 && magic.SequenceEqual("GGUF"u8);
            stream.Position = 0;
            return gguf ? FromGguf(path) : FromLegacy(path, stream);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new GgufException($"{path}: the importance matrix cannot be read: {failure.Message}");
        }
    }

    /// <summary>[columns] of a tensor, or null where it has none.</summary>
    /// <exception cref="GgufException">It has another number of columns.</exception>
    public float[]? For(string tensor, long columns)
    {
        if (!_columns.TryGetValue(tensor, out float[]? values))
            return null;
        return values.Length == columns ? values
            : throw new GgufException($"{Path}: the importance of '{tensor}' has {values.Length} columns, but the tensor has {columns}. It was made for another model.");
    }

    private static unsafe ImportanceMatrix FromGguf(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        var matrix = new ImportanceMatrix(path);
        if (file.Metadata.Text("general.type", "") != "imatrix")
            throw new GgufException($"{path}: 'general.type' is not \"imatrix\"; expected a file made by llama.cpp's imatrix program.");
        if (file.Metadata.Contains("imatrix.datasets"))
            matrix.Dataset = string.Join(", ", file.Metadata.Texts("imatrix.datasets"));
        if (file.Metadata.Contains("imatrix.chunk_count"))
            matrix.Chunks = file.Metadata.Integer("imatrix.chunk_count");
        foreach (GgufTensor sums in file.Tensors.Where(static t => t.Name.EndsWith(Sums, StringComparison.Ordinal)))
        {
            string name = sums.Name[..^Sums.Length];
            if (!file.TryGetTensor(name + Counts, out GgufTensor? counts) || sums.Type != GgmlType.F32 || counts.Type != GgmlType.F32
                || sums.Rows != 1 || counts.Columns * counts.Rows != 1)
                throw new GgufException($"{path}: the tensors of '{name}' are not one row of sums and one count in F32; matrices of experts are not read.");
            matrix.Add(name, new ReadOnlySpan<float>(file.Data(sums), checked((int)sums.Columns)).ToArray(), *(float*)file.Data(counts));
        }

        return matrix;
    }

    // int entries; each: int length, name, int calls, int columns, float[columns]; then int calls, int length, data set
    private static ImportanceMatrix FromLegacy(string path, FileStream stream)
    {
        var matrix = new ImportanceMatrix(path);
        using var reader = new LegacyReader(path, stream);
        int entries = reader.Integer("the number of entries", 1, MostEntries);
        for (int i = 0; i < entries; i++)
        {
            string name = reader.Text($"the name of entry {i}", LongestName);
            int calls = reader.Integer($"the calls of '{name}'", 0, int.MaxValue);
            matrix.Add(name, reader.Floats($"the columns of '{name}'", MostColumns), calls);
        }

        if (!reader.AtEnd)
        {
            matrix.Chunks = reader.Integer("the number of chunks", 0, int.MaxValue);
            matrix.Dataset = reader.Text("the data set", LongestName * 16);
        }

        return matrix;
    }

    private void Add(string name, float[] sums, float count)
    {
        float share = count > 0 && float.IsFinite(count) ? 1 / count : 1;
        for (int i = 0; i < sums.Length; i++)
        {
            sums[i] *= share;
            if (!(sums[i] >= 0) || float.IsInfinity(sums[i]))
                throw new GgufException($"{Path}: the importance of column {i} of '{name}' is {sums[i]}; expected 0 or more. The file is damaged.");
        }

        if (!_columns.TryAdd(name, sums))
            throw new GgufException($"{Path}: '{name}' occurs twice. The file is damaged.");
    }

    private sealed class LegacyReader(string path, FileStream stream) : IDisposable
    {
        private readonly BufferedStream _stream = new(stream);

        public bool AtEnd => _stream.Position == _stream.Length;

        public int Integer(string what, int least, int most)
        {
            Span<byte> bytes = stackalloc byte[4];
            Fill(bytes, what);
            int value = BinaryPrimitives.ReadInt32LittleEndian(bytes);
            return value >= least && value <= most ? value : throw Fail($"{what} is {value}; expected {least} to {most}. It is no importance matrix, or damaged.");
        }

        public string Text(string what, int longest)
        {
            byte[] bytes = new byte[Room(what, longest, 1)];
            Fill(bytes, what);
            return Encoding.UTF8.GetString(bytes);
        }

        public float[] Floats(string what, int most)
        {
            float[] values = new float[Room(what, most, sizeof(float))];
            Fill(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()), what);
            return values;
        }

        public void Dispose() => _stream.Dispose();

        private int Room(string what, int most, int bytesEach)
        {
            int count = Integer(what, 0, most);
            return count <= (_stream.Length - _stream.Position) / bytesEach ? count : throw Fail($"{what} needs {count} elements, but the file ends before. It is cut short.");
        }

        private void Fill(Span<byte> bytes, string what)
        {
            if (_stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
                throw Fail($"{what} is missing: the file is cut short.");
        }

        private GgufException Fail(string message) => new($"{path}: {GgufText.Clean(message, 2000)}");
    }
}
