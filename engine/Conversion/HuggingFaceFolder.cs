using System.Text.Json;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Conversion;

/// <summary>The weights in a Hugging Face folder: SafeTensors before PyTorch files, one file or the parts that an index names. An index
/// names files of its own folder only.</summary>
internal sealed class HuggingFaceFolder : IDisposable
{
    private const int MostParts = 1024;

    private readonly List<IDisposable> _files = [];

    private HuggingFaceFolder(string path) => Path = path;

    public string Path { get; }

    public Dictionary<string, SourceTensor> Tensors { get; } = new(StringComparer.Ordinal);

    /// <exception cref="CheckpointException">No weights there, or they do not fit together.</exception>
    public static HuggingFaceFolder Open(string path)
    {
        if (!Directory.Exists(path))
            throw new CheckpointException($"{path}: there is no such folder; expected one with config.json, tokenizer.json and weights, as on Hugging Face.");
        var folder = new HuggingFaceFolder(path);
        try
        {
            folder.AddWeights();
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (IDisposable file in _files)
            file.Dispose();
    }

    private void AddWeights()
    {
        foreach (string name in (ReadOnlySpan<string>)["model.safetensors", "pytorch_model.bin"])
        {
            if (Index(name + ".index.json") is { } parts)
            {
                AddParts(parts);
                return;
            }

            if (File.Exists(Of(name)))
            {
                Add(name);
                return;
            }
        }

        string[] single = [.. Directory.EnumerateFiles(Path).Where(static file => file.EndsWith(".safetensors", StringComparison.Ordinal)
            || file.EndsWith(".pt", StringComparison.Ordinal) || file.EndsWith(".pth", StringComparison.Ordinal) || file.EndsWith(".bin", StringComparison.Ordinal))];
        if (single.Length != 1)
            throw new CheckpointException($"{Path}: there is neither model.safetensors nor its index nor a single other checkpoint; the weights are missing. Download the whole folder.");
        Add(System.IO.Path.GetFileName(single[0]));
    }

    /// <summary>Tensor name to file name, or null.</summary>
    private Dictionary<string, string>? Index(string name)
    {
        using HuggingFaceJson? json = HuggingFaceJson.TryOpen(Path, name);
        if (json is null)
            return null;
        if (!HuggingFaceJson.Has(json.Root, "weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
            throw json.Fail("'weight_map' is missing; expected an object of tensors and files.");
        var parts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty entry in map.EnumerateObject())
        {
            string? file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString() : null;
            if (string.IsNullOrEmpty(file) || file is "." or ".." || file.AsSpan().ContainsAny('/', '\\', '\0'))
                throw json.Fail($"the tensor '{entry.Name}' is said to lie in {entry.Value.GetRawText()}; expected the plain name of a file in this folder.");
            parts[entry.Name] = file;
        }

        return parts.Values.Distinct().Count() <= MostParts ? parts : throw json.Fail($"the index names more than {MostParts} files.");
    }

    private void AddParts(Dictionary<string, string> parts)
    {
        foreach (string file in parts.Values.Distinct().Order(StringComparer.Ordinal))
            Add(file);
        if (parts.Keys.FirstOrDefault(name => !Tensors.ContainsKey(name)) is { } missing)
            throw new CheckpointException($"{Path}: the tensor {GgufText.Describe(missing, 200)} is missing in {parts[missing]}, where the index says it lies. Download that file again.");
    }

    private void Add(string name)
    {
        IReadOnlyList<SourceTensor> tensors;
        if (name.EndsWith(".safetensors", StringComparison.Ordinal))
        {
            var file = SafeTensorsFile.Open(Of(name));
            _files.Add(file);
            tensors = file.Tensors;
        }
        else
        {
            var file = TorchCheckpoint.Open(Of(name));
            _files.Add(file);
            tensors = file.Tensors;
        }

        foreach (SourceTensor tensor in tensors)
        {
            if (!Tensors.TryAdd(tensor.Name, tensor))
                throw new CheckpointException($"{Of(name)}: the tensor {GgufText.Describe(tensor.Name, 200)} stands in another file of the folder as well.");
        }
    }

    private string Of(string name) => System.IO.Path.Combine(Path, name);
}
