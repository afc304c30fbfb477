using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests;

/// <summary>LoRA adapters for tests.</summary>
internal static class RandomAdapter
{
    /// <summary>Random factors for every matrix of a model's blocks.</summary>
    /// <param name="size">They lie in a range of this length around 0.</param>
    public static void Write(string model, string path, int rank, int seed, float size = 0.25f)
    {
        using GgufFile file = GgufFile.Open(model);
        var random = new Random(seed);
        var writer = new GgufWriter();
        writer.Add("general.architecture", file.Metadata.Text("general.architecture")).Add("general.type", "adapter").Add("adapter.type", "lora").Add("adapter.lora.alpha", (float)rank);
        foreach (GgufTensor tensor in file.Tensors.Where(static tensor => tensor.Dimensions.Count == 2 && tensor.Name.StartsWith("blk.", StringComparison.Ordinal)))
        {
            Add(tensor.Name + ".lora_a", tensor.Columns, rank);
            Add(tensor.Name + ".lora_b", rank, tensor.Rows);
        }

        writer.WriteFile(path);

        void Add(string name, long columns, long rows)
        {
            float[] values = [.. Enumerable.Range(0, checked((int)(columns * rows))).Select(_ => (random.NextSingle() - 0.5f) * size)];
            byte[] bytes = new byte[values.Length * sizeof(float)];
            Buffer.BlockCopy(values, 0, bytes, 0, bytes.Length);
            writer.AddTensor(name, GgmlType.F32, [columns, rows], (chunk, offset) => bytes.AsSpan((int)offset, chunk.Length).CopyTo(chunk));
        }
    }
}
