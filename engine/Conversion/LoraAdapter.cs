using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Conversion;

/// <summary>A low-rank adapter in a GGUF file (Hu et al. 2021): W becomes W + scale · alpha / rank · B · A, in the weights while a model is
/// written, or beside them at run time (<see cref="Models.Adapter"/>).</summary>
public sealed unsafe class LoraAdapter : IDisposable
{
    private const string A = ".lora_a", B = ".lora_b";
    private const int HighestRank = 4096;

    private readonly GgufFile _file;
    private readonly float _scale;
    private readonly Dictionary<string, Pair> _pairs = new(StringComparer.Ordinal);

    private LoraAdapter(GgufFile file, float scale)
    {
        (_file, _scale) = (file, scale);
        GgufMetadata metadata = file.Metadata;
        if (metadata.Text("general.type", "") != "adapter" || metadata.Text("adapter.type", "") != "lora")
            throw Fail("this is no LoRA adapter: 'general.type' must be \"adapter\" and 'adapter.type' \"lora\".");
        double alpha = metadata.Number("adapter.lora.alpha");
        if (!double.IsFinite(alpha) || !float.IsFinite(scale))
            throw Fail($"'adapter.lora.alpha' is {alpha} and the scale {scale}; expected finite numbers.");
        foreach (GgufTensor tensor in file.Tensors)
        {
            string name = tensor.Name.EndsWith(A, StringComparison.Ordinal) || tensor.Name.EndsWith(B, StringComparison.Ordinal) ? tensor.Name[..^A.Length]
                : throw Fail($"the tensor '{GgufText.Clean(tensor.Name, 200)}' is neither {A} nor {B} of anything.");
            if (!_pairs.ContainsKey(name))
                _pairs[name] = Read(name, (float)(scale * alpha));
        }
    }

    public string Architecture => _file.Metadata.Text("general.architecture", "");

    /// <summary>Identifies its weights and its scale.</summary>
    internal string Hash => $"{ContentHash.Of(_file)}*{_scale:R}";

    /// <summary>Tensors that it changes.</summary>
    public IEnumerable<string> Names => _pairs.Keys;

    /// <param name="scale">How much of it, 1 as it was trained.</param>
    /// <exception cref="GgufException">No LoRA adapter, or an odd one.</exception>
    public static LoraAdapter Open(string path, float scale)
    {
        GgufFile file = GgufFile.Open(path);
        try
        {
            return new LoraAdapter(file, scale);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose() => _file.Dispose();

    /// <exception cref="GgufException">It was made for another model.</exception>
    internal void RequireFor(GgufFile model)
    {
        if (Architecture.Length > 0 && Architecture != model.Metadata.Text("general.architecture", ""))
            throw Fail($"it is for architecture '{GgufText.Clean(Architecture, 60)}', and {model.Path} is of another.");
        foreach ((string name, Pair pair) in _pairs)
        {
            if (!model.TryGetTensor(name, out GgufTensor? tensor) || name is "token_embd.weight" || tensor.Columns != pair.Columns || tensor.Rows != pair.Rows)
                throw Fail($"it changes '{GgufText.Clean(name, 200)}' [{pair.Columns}, {pair.Rows}], which {model.Path} does not have so.");
        }
    }

    internal bool Changes(string tensor) => _pairs.ContainsKey(tensor);

    /// <summary>What it adds to a tensor that it changes: scale · B · A.</summary>
    /// <returns>A [rank][columns], B [rows][rank].</returns>
    internal (float[] A, float[] B, int Rank, float Scale) Factors(string tensor)
    {
        Pair pair = _pairs[tensor];
        return (pair.A, pair.B, pair.Rank, pair.Scale);
    }

    /// <summary>Adds to one row of a tensor it changes. Rank by rank in one order: the same bits everywhere.</summary>
    internal void AddTo(string tensor, long row, float* weights)
    {
        Pair pair = _pairs[tensor];
        for (int r = 0; r < pair.Rank; r++)
        {
            float factor = pair.B[(row * pair.Rank) + r] * pair.Scale;
            fixed (float* a = &pair.A[(long)r * pair.Columns])
            {
                for (int i = 0; i < pair.Columns; i++)
                    weights[i] = MathF.FusedMultiplyAdd(a[i], factor, weights[i]);
            }
        }
    }

    private Pair Read(string name, float scale)
    {
        if (!_file.TryGetTensor(name + A, out GgufTensor? a) || !_file.TryGetTensor(name + B, out GgufTensor? b))
            throw Fail($"'{GgufText.Clean(name, 200)}' has only one of {A} and {B}.");
        if (a.Dimensions.Count != 2 || b.Dimensions.Count != 2 || a.Rows != b.Columns || a.Rows > HighestRank)
            throw Fail($"'{GgufText.Clean(name, 200)}': {A} [{string.Join(", ", a.Dimensions)}] and {B} [{string.Join(", ", b.Dimensions)}] are no pair of one rank, at most {HighestRank}.");
        return new Pair(Floats(a), Floats(b), (int)a.Columns, b.Rows, (int)a.Rows, scale / a.Rows);
    }

    private float[] Floats(GgufTensor tensor)
    {
        float[] floats = new float[checked(tensor.Columns * tensor.Rows)];
        fixed (float* destination = floats)
        {
            for (long row = 0; row < tensor.Rows; row++)
                Dequantizer.Row(tensor.Type, _file.Data(tensor) + (row * (tensor.ByteLength / tensor.Rows)), (int)tensor.Columns, destination + (row * tensor.Columns));
        }

        return floats;
    }

    private GgufException Fail(string message) => new($"{_file.Path}: {message}");

    /// <param name="A">[rank][columns]</param>
    /// <param name="B">[rows][rank]</param>
    private sealed record Pair(float[] A, float[] B, int Columns, long Rows, int Rank, float Scale);
}
