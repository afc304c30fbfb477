using System.Text;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Quantization;
using SmolCluster.Engine.Tests.Models;

namespace SmolCluster.Engine.Tests.Conversion;

public sealed class ModelQuantizerTests
{
    [Fact]
    public void Write_AnyNumberOfThreads_GivesTheSameBytes()
    {
        using TemporaryFolder folder = TestData.Temporary();
        Make(folder.File("f32.gguf"), "F32");
        Quantize(folder, "f32.gguf", "one.gguf", "Q4_K_M", threads: 1);
        Quantize(folder, "f32.gguf", "many.gguf", "Q4_K_M", threads: 3);
        Assert.Equal(File.ReadAllBytes(folder.File("one.gguf")), File.ReadAllBytes(folder.File("many.gguf")));
    }

    [Fact]
    public void Write_EveryMix_IsLoadedAndAnswersNearTheFloats()
    {
        using TemporaryFolder folder = TestData.Temporary();
        Make(folder.File("f32.gguf"), "F32");
        float[][] exact = Logits(folder.File("f32.gguf"));
        foreach (QuantizationMix mix in QuantizationMix.All)
        {
            Quantize(folder, "f32.gguf", "q.gguf", mix.Name, threads: 2);
            using (GgufFile file = GgufFile.Open(folder.File("q.gguf")))
                Assert.Equal(mix.FileType, file.Metadata.Integer("general.file_type"));
            double bound = mix.Name switch { "F32" => 1e-12, "F16" or "BF16" or "Q8_0" => 1e-3, "Q2_K" => 0.5, _ => 0.1 };
            Assert.InRange(Lgt.MeanKl(exact, Logits(folder.File("q.gguf"))), -1e-12, bound);
        }
    }

    [Fact]
    public void Write_QuantizedSource_IsRefusedUnlessAllowed()
    {
        using TemporaryFolder folder = TestData.Temporary();
        Make(folder.File("q8.gguf"), "Q8_0");
        Assert.Contains("quantized already", Assert.Throws<GgufException>(() => Quantize(folder, "q8.gguf", "q4.gguf", "Q4_0", threads: 1)).Message, StringComparison.Ordinal);
        Assert.False(File.Exists(folder.File("q4.gguf")));
        using GgufFile source = GgufFile.Open(folder.File("q8.gguf"));
        ModelQuantizer.Write(source, folder.File("q4.gguf"), new QuantizeOptions(QuantizationMix.Find("Q4_0")!, Requantize: true));
        using GgufFile written = GgufFile.Open(folder.File("q4.gguf"));
        Assert.Contains(written.Tensors, static tensor => tensor.Type == GgmlType.Q4_0);
    }

    [Fact]
    public void Write_Pure_GivesEveryMatrixTheSameType()
    {
        using TemporaryFolder folder = TestData.Temporary();
        Make(folder.File("f32.gguf"), "F32");
        using GgufFile source = GgufFile.Open(folder.File("f32.gguf"));
        QuantizedTensor[] plan = ModelQuantizer.Plan(source, new QuantizeOptions(QuantizationMix.Find("Q4_K_M")!, Pure: true));
        Assert.All(plan, static tensor => Assert.Equal(tensor.Name.EndsWith("norm.weight", StringComparison.Ordinal) || tensor.Name == "rope_freqs.weight" ? GgmlType.F32 : GgmlType.Q4_K, tensor.To));
    }

    [Fact]
    public void ImportanceMatrix_BothForms_SayTheSameAndShapeTheWeights()
    {
        using TemporaryFolder folder = TestData.Temporary();
        Make(folder.File("f32.gguf"), "F32");
        float[] sums = [.. Enumerable.Range(0, 256).Select(static i => i < 128 ? 40f : 0.04f)];
        WriteLegacy(folder.File("im.dat"), "blk.0.attn_q.weight", sums, 4);
        new GgufWriter().Add("general.type", "imatrix").Add("imatrix.datasets", new[] { "x.txt" }).Add("imatrix.chunk_count", 4u)
            .AddTensor("blk.0.attn_q.weight.in_sum2", GgmlType.F32, [256, 1], (chunk, at) => System.Runtime.InteropServices.MemoryMarshal.AsBytes(sums.AsSpan()).Slice((int)at, chunk.Length).CopyTo(chunk))
            .AddTensor("blk.0.attn_q.weight.counts", GgmlType.F32, [1, 1], static (chunk, _) => BitConverter.TryWriteBytes(chunk, 4f))
            .WriteFile(folder.File("im.gguf"));
        ImportanceMatrix legacy = ImportanceMatrix.Open(folder.File("im.dat")), gguf = ImportanceMatrix.Open(folder.File("im.gguf"));
        Assert.Equal(legacy.For("blk.0.attn_q.weight", 256), gguf.For("blk.0.attn_q.weight", 256));
        Assert.Equal(10f, gguf.For("blk.0.attn_q.weight", 256)![0]);
        Assert.Null(gguf.For("blk.1.attn_q.weight", 256));
        Assert.Contains("another model", Assert.Throws<GgufException>(() => gguf.For("blk.0.attn_q.weight", 128)).Message, StringComparison.Ordinal);
        Assert.Equal(("x.txt", 4L), (gguf.Dataset, gguf.Chunks));

        using GgufFile source = GgufFile.Open(folder.File("f32.gguf"));
        ModelQuantizer.Write(source, folder.File("with.gguf"), new QuantizeOptions(QuantizationMix.Find("Q4_0")!, gguf));
        ModelQuantizer.Write(source, folder.File("without.gguf"), new QuantizeOptions(QuantizationMix.Find("Q4_0")!));
        using GgufFile with = GgufFile.Open(folder.File("with.gguf")), without = GgufFile.Open(folder.File("without.gguf"));
        Assert.Equal("im.gguf", with.Metadata.Text("quantize.imatrix.file"));
        Assert.False(Bytes(with, "blk.0.attn_q.weight").SequenceEqual(Bytes(without, "blk.0.attn_q.weight")));
        Assert.True(Bytes(with, "blk.1.attn_q.weight").SequenceEqual(Bytes(without, "blk.1.attn_q.weight")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(11)]
    [InlineData(40)]
    public void ImportanceMatrix_CutShort_IsRefused(int length)
    {
        using TemporaryFolder folder = TestData.Temporary();
        WriteLegacy(folder.File("im.dat"), "blk.0.attn_q.weight", new float[256], 1);
        File.WriteAllBytes(folder.File("cut.dat"), File.ReadAllBytes(folder.File("im.dat"))[..length]);
        Assert.Throws<GgufException>(() => ImportanceMatrix.Open(folder.File("cut.dat")));
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(-1)]
    public void ImportanceMatrix_HostileCounts_AreRefused(int count)
    {
        using TemporaryFolder folder = TestData.Temporary();
        File.WriteAllBytes(folder.File("im.dat"), [.. BitConverter.GetBytes(1), .. BitConverter.GetBytes(count), .. new byte[32]]);
        Assert.Throws<GgufException>(() => ImportanceMatrix.Open(folder.File("im.dat")));
        File.WriteAllBytes(folder.File("im.dat"), [.. BitConverter.GetBytes(count), .. new byte[32]]);
        Assert.Throws<GgufException>(() => ImportanceMatrix.Open(folder.File("im.dat")));
    }

    /// <summary>A llama of 4 blocks with random weights.</summary>
    private static void Make(string path, string type) => RandomModel.Write($"tiny-llama:{type}", path, 3);

    private static void Quantize(TemporaryFolder folder, string from, string to, string mix, int threads)
    {
        using GgufFile source = GgufFile.Open(folder.File(from));
        ModelQuantizer.Write(source, folder.File(to), new QuantizeOptions(QuantizationMix.Find(mix)!, Threads: threads));
    }

    private static float[][] Logits(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        return LogitsRun.Compute(file, Enumerable.Range(300, 16).ToArray(), new LogitsOptions(KvType.F32, Arithmetic.Reference, 16, 2));
    }

    private static unsafe ReadOnlySpan<byte> Bytes(GgufFile file, string name) =>
        file.TryGetTensor(name, out GgufTensor? tensor) ? new ReadOnlySpan<byte>(file.Data(tensor), (int)tensor.ByteLength) : [];

    private static void WriteLegacy(string path, string name, float[] sums, int calls)
    {
        using var writer = new BinaryWriter(File.Create(path));
        writer.Write(1);
        writer.Write(name.Length);
        writer.Write(Encoding.UTF8.GetBytes(name));
        writer.Write(calls);
        writer.Write(sums.Length);
        foreach (float sum in sums)
            writer.Write(sum);
    }
}
