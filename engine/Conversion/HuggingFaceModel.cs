using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Conversion;

/// <summary>A Hugging Face folder read as the GGUF file that <see cref="HuggingFaceConverter"/> would write, without writing it: the same
/// header, the same identity, the same bits. Matrices that lie in SafeTensors files as the forward pass reads them stay there, mapped;
/// what has to change (norms that are not F32, query and key rows whose pairs lie apart) is a private copy.</summary>
public static unsafe class HuggingFaceModel
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Whether a path is such a folder, and no file.</summary>
    public static bool Is(string path) => Directory.Exists(path) && File.Exists(Path.Combine(path, "config.json"));

    /// <summary>A model by its path: a GGUF file, or such a folder.</summary>
    /// <exception cref="GgufException">The file cannot be used.</exception>
    /// <exception cref="CheckpointException">The folder cannot be used.</exception>
    public static GgufFile OpenAny(string path) => Is(path) ? Open(path) : GgufFile.Open(path);

    /// <summary>What a model is called that has no other name: as its file without ending, or as its folder.</summary>
    public static string NameOf(string path) => Directory.Exists(path)
        ? Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))) : Path.GetFileNameWithoutExtension(path);

    private static GgufFile Open(string folder)
    {
        using var plan = ConversionPlan.Of(folder, new ConvertOptions(Threads: Environment.ProcessorCount));
        if (plan.IsTorch)
            throw new CheckpointException($"{folder}: the weights are PyTorch files, whose tensors have to be copied to be read; make one file of them with smol convert.");
        var places = new Places();
        try
        {
            foreach (PlannedTensor tensor in plan.Tensors)
                places.Add(tensor);
            byte[] header = plan.Writer.Header();
            return GgufFile.Assemble(folder, header, header.Length + plan.Writer.DataBytes, places.ByName, places);
        }
        catch
        {
            places.Dispose();
            throw;
        }
    }

    /// <summary>Where the tensors lie: mappings of the folder's files, and copies.</summary>
    private sealed class Places : IDisposable
    {
        private readonly Dictionary<string, (GgufMapping File, nint Start)> _files = new(StringComparer.Ordinal);
        private readonly List<NativeBuffer<byte>> _copies = [];

        public Dictionary<string, nint> ByName { get; } = new(StringComparer.Ordinal);

        public void Add(PlannedTensor tensor) =>
            ByName[tensor.Name] = tensor.Place is var (file, offset) ? Map(file) + (nint)offset : Copy(tensor);

        public void Dispose()
        {
            foreach ((GgufMapping file, _) in _files.Values)
            {
                file.Release();
                file.Dispose();
            }

            _copies.ForEach(static copy => copy.Dispose());
        }

        private nint Map(string path)
        {
            if (!_files.TryGetValue(path, out (GgufMapping File, nint Start) mapped))
            {
                var file = new GgufMapping(path);
                _files[path] = mapped = (file, (nint)file.Acquire());
            }

            return mapped.Start;
        }

        private nint Copy(PlannedTensor tensor)
        {
            var copy = new NativeBuffer<byte>(tensor.Bytes);
            _copies.Add(copy);
            for (long at = 0; at < copy.Length; at += ChunkBytes)
                tensor.Fill(new Span<byte>(copy.Pointer + at, (int)Math.Min(ChunkBytes, copy.Length - at)), at);
            return (nint)copy.Pointer;
        }
    }
}
