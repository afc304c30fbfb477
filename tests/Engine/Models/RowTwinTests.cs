using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Models;

public sealed class RowTwinTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("smol-twin-").FullName;
    private readonly string _folder;

    public RowTwinTests() => _folder = Directory.CreateDirectory(Path.Combine(_root, "twins")).FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("tiny:Q4_K_M")]
    [InlineData("tiny:Q8_0")]
    [InlineData("tiny-llama:Q5_1")]
    [InlineData("tiny-llama:IQ4_XS")]
    public void Forward_WithTwin_GivesTheBitsOfTheFile(string shape)
    {
        using GgufFile file = Model(shape);
        using RowTwin twin = RowTwin.OpenOrMake(file, ContentHash.Of(file), _folder);
        int[] ids = [.. Enumerable.Range(0, 41).Select(static i => i * 37 % 2048)];
        Assert.Equal(Logits(file, null, ids, 41), Logits(file, twin, ids, 41));
        Assert.Equal(Logits(file, null, ids, 41), Logits(file, twin, ids, 1));
    }

    [Fact]
    public void OpenOrMake_SecondTime_MapsTheFirst()
    {
        using GgufFile file = Model("tiny:Q4_K_M");
        string hash = ContentHash.Of(file);
        var shares = new List<double>();
        string path;
        using (RowTwin made = RowTwin.OpenOrMake(file, hash, _folder, new Collected(shares)))
        {
            path = made.Path;
        }

        Assert.Equal(1, shares[^1]);
        DateTime written = File.GetLastWriteTimeUtc(path);
        shares.Clear();
        using RowTwin again = RowTwin.OpenOrMake(file, hash, _folder, new Collected(shares));
        Assert.Empty(shares);
        Assert.Equal(written, File.GetLastWriteTimeUtc(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(-1)]
    public void OpenOrMake_DamagedTwin_IsMadeAgain(int keep)
    {
        using GgufFile file = Model("tiny:Q4_K_M");
        string hash = ContentHash.Of(file), path;
        using (RowTwin made = RowTwin.OpenOrMake(file, hash, _folder))
        {
            path = made.Path;
        }

        byte[] whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, whole[..(keep < 0 ? whole.Length - 4096 : keep)]);
        RowTwin.OpenOrMake(file, hash, _folder).Dispose();
        Assert.Equal(whole, File.ReadAllBytes(path));
    }

    [Fact]
    public void OpenOrMake_PartialOfAKilledWriter_IsRemovedAndAFreshOneIsNot()
    {
        string old = Path.Combine(_folder, "a.gguf.partial-1"), fresh = Path.Combine(_folder, "b.gguf.partial-2");
        File.WriteAllText(old, "");
        File.WriteAllText(fresh, "");
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-1));
        using GgufFile file = Model("tiny:Q8_0");
        RowTwin.OpenOrMake(file, ContentHash.Of(file), _folder).Dispose();
        Assert.False(File.Exists(old));
        Assert.True(File.Exists(fresh));
    }

    [Fact]
    public void OpenOrMake_TwinOfAnotherFile_IsMadeAgain()
    {
        using GgufFile file = Model("tiny:Q4_K_M"), other = Model("tiny:Q8_0");
        string hash = ContentHash.Of(file);
        using (RowTwin foreign = RowTwin.OpenOrMake(other, ContentHash.Of(other), _folder))
        {
            File.Copy(foreign.Path, Path.Combine(_folder, hash + ".gguf"));
        }

        using RowTwin twin = RowTwin.OpenOrMake(file, hash, _folder);
        int[] ids = [1, 2, 3];
        Assert.Equal(Logits(file, null, ids, 3), Logits(file, twin, ids, 3));
    }

    [Fact]
    public void OpenOrMake_FolderThatIsAFile_SaysSo()
    {
        using GgufFile file = Model("tiny:Q8_0");
        string inTheWay = Path.Combine(_folder, "in-the-way");
        File.WriteAllText(inTheWay, "");
        IOException failure = Assert.ThrowsAny<IOException>(() => RowTwin.OpenOrMake(file, ContentHash.Of(file), inTheWay));
        Assert.Contains("in-the-way", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_TwinThatCannotBeMade_ServesAndSaysWhy()
    {
        string inTheWay = Path.Combine(_folder, "in-the-way");
        File.WriteAllText(inTheWay, "");
        using GgufFile file = Model("tiny:Q8_0");
        using GgufChatModel model = GgufChatModel.Load(file.Path, new EngineOptions { TwinFolder = inTheWay, TwinLeastBytes = 0 });
        Assert.Equal(Simd.Level >= SimdLevel.Avx2, model.Card.WithoutTwin?.Contains("in-the-way", StringComparison.Ordinal) ?? false);
    }

    [Fact]
    public void Twin_OpenedAsAModel_IsRefused()
    {
        using GgufFile file = Model("tiny:Q8_0");
        using RowTwin twin = RowTwin.OpenOrMake(file, ContentHash.Of(file), _folder);
        using GgufFile asModel = GgufFile.Open(twin.Path);
        GgufException refusal = Assert.Throws<GgufException>(() => ModelConfig.From(asModel));
        Assert.Contains("smolcluster-rows16", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void IsUseful_FloatsOrSmallFiles_AreNot()
    {
        using GgufFile floats = Model("tiny:F16"), quantized = Model("tiny:Q8_0");
        Assert.False(RowTwin.IsUseful(floats, leastBytes: 0));
        Assert.False(RowTwin.IsUseful(quantized));
        Assert.Equal(Simd.Level >= SimdLevel.Avx2, RowTwin.IsUseful(quantized, leastBytes: 0));
    }

    private GgufFile Model(string shape)
    {
        string path = Path.Combine(_root, $"{shape.Replace(':', '-')}.gguf");
        RandomModel.Write(shape, path, 5);
        return GgufFile.Open(path);
    }

    private static float[][] Logits(GgufFile file, RowTwin? twin, int[] ids, int batch) =>
        LogitsRun.Compute(file, ids, new LogitsOptions(KvType.F16, Arithmetic.Default, batch, 2) { Twin = twin });

    private sealed class Collected(List<double> shares) : IProgress<double>
    {
        public void Report(double value) => shares.Add(value);
    }
}
