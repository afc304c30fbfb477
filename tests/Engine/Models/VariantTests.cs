using System.Runtime.InteropServices;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Tests.Models;

/// <summary>What the goldens' file does not have, held against llama.cpp: tests/data/variants has its logits after the last of the
/// 64 tokens, on tiny-f32 with the metadata and tensors changed as here (F32 cache, no flash attention).</summary>
public sealed class VariantTests
{
    [Fact]
    public void Reference_Yarn_AgreesWithLlamaCpp() => Check("yarn", "smollm3", ownHead: false,
        ("rope.scaling.type", "yarn"), ("rope.scaling.factor", 4f), ("rope.scaling.original_context_length", 16u));

    [Fact]
    public void Reference_LinearScaling_AgreesWithLlamaCpp() => Check("linear", "smollm3", ownHead: false,
        ("rope.scaling.type", "linear"), ("rope.scaling.factor", 4f));

    [Fact]
    public void Reference_LlamaWithAHeadOfItsOwn_AgreesWithLlamaCpp() => Check("llamahead", "llama", ownHead: true);

    private static void Check(string variant, string architecture, bool ownHead, params (string Key, object Value)[] added)
    {
        using TemporaryFolder folder = TestData.Temporary();
        string path = folder.File($"{variant}.gguf");
        Write(path, architecture, ownHead, added);
        using GgufFile file = GgufFile.Open(path);
        float[][] ours = LogitsRun.Compute(file, LogitsTests.Ids(), new LogitsOptions(KvType.F32, Arithmetic.Reference, 64, 2));
        float[][] expected = Lgt.Read(TestData.Path($"variants/{variant}.lgt"));
        Assert.InRange(Lgt.MaxDifference(expected, [ours[^1]]), 0, 1e-4);
    }

    private static unsafe void Write(string path, string architecture, bool ownHead, (string Key, object Value)[] added)
    {
        using GgufFile source = GgufFile.Open(TestData.Shared("models/tiny/tiny-f32.gguf"));
        var writer = new GgufWriter();
        foreach (string key in source.Metadata.Keys)
        {
            Assert.True(source.Metadata.TryGetValue(key, out object? value));
            writer.Add(key.Replace("smollm3.", architecture + ".", StringComparison.Ordinal), key == "general.architecture" ? architecture : value);
        }

        foreach ((string key, object value) in added)
        {
            writer.Add($"{architecture}.{key}", value);
        }

        foreach (GgufTensor tensor in source.Tensors)
        {
            writer.AddTensor(tensor.Name, tensor.Type, [.. tensor.Dimensions],
                (chunk, offset) => new ReadOnlySpan<byte>(source.Data(tensor) + offset, chunk.Length).CopyTo(chunk));
        }

        if (ownHead)
        {
            Assert.True(source.TryGetTensor("token_embd.weight", out GgufTensor? embedding));
            writer.AddTensor("output.weight", embedding.Type, [.. embedding.Dimensions], FillWithSines);
        }

        using FileStream stream = File.Create(path);
        writer.Write(stream);
    }

    // weight at byte offset o of chunk-relative index i; any smooth pattern that is not the embedding does
    private static void FillWithSines(Span<byte> chunk, long offset)
    {
        Span<float> weights = MemoryMarshal.Cast<byte, float>(chunk);
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = (float)Math.Sin(i + offset) * 0.05f;
        }
    }
}
