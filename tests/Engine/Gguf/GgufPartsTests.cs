using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Tests.Models;

namespace SmolCluster.Engine.Tests.Gguf;

public sealed class GgufPartsTests
{
    [Fact]
    public void Open_FirstOfThreeParts_IsTheWholeModelBitForBit()
    {
        using TemporaryFolder folder = TestData.Temporary();
        Split(folder, 3);
        Assert.Equal(Logits(TestData.TinyModel), Logits(folder.File("m-00001-of-00003.gguf")));
        using GgufFile whole = GgufFile.Open(TestData.TinyModel), parts = GgufFile.Open(folder.File("m-00001-of-00003.gguf"));
        Assert.Equal(whole.Tensors.Select(static t => t.Name), parts.Tensors.Select(static t => t.Name));
        Assert.Equal(new[] { 0, 1, 2 }, parts.Tensors.Select(static t => t.Part).Distinct());
        Assert.NotEqual(ContentHash.Of(whole), ContentHash.Of(parts));
        parts.LeaveToPageCache();
        MetadataEdit.Write(parts, folder.File("joined.gguf"), new Dictionary<string, object>(), []);
        Assert.Equal(Logits(TestData.TinyModel), Logits(folder.File("joined.gguf")));
    }

    [Fact]
    public void Open_PartsThatDoNotFit_AreRefusedByName()
    {
        using TemporaryFolder folder = TestData.Temporary();
        Split(folder, 3);
        string first = folder.File("m-00001-of-00003.gguf"), second = folder.File("m-00002-of-00003.gguf"), third = folder.File("m-00003-of-00003.gguf");
        Refused(second, "m-00001-of-00003.gguf");
        File.Move(third, folder.File("kept"));
        Refused(first, "m-00003-of-00003.gguf");
        File.Copy(second, third);
        Refused(first, "part 3 of 3");
        File.Delete(third);
        File.Move(folder.File("kept"), third);
        File.Copy(first, folder.File("other.gguf"));
        Refused(folder.File("other.gguf"), "Give the parts their names back");
        Split(folder, 3, repeated: true);
        Refused(first, "two parts");
    }

    private static void Refused(string path, string named) =>
        Assert.Contains(named, Assert.Throws<GgufException>(() => GgufFile.Open(path)).Message, StringComparison.Ordinal);

    private static void Split(TemporaryFolder folder, int count, bool repeated = false)
    {
        using GgufFile source = GgufFile.Open(TestData.TinyModel);
        int each = (source.Tensors.Count + count - 1) / count;
        for (int part = 0; part < count; part++)
        {
            var writer = new GgufWriter();
            if (part == 0)
                writer.AddAll(source.Metadata, static _ => true);
            writer.Add("split.no", (ushort)part).Add("split.count", (ushort)count).Add("split.tensors.count", source.Tensors.Count);
            foreach (GgufTensor tensor in source.Tensors.Skip(repeated ? 0 : part * each).Take(each))
                writer.AddTensor(tensor.Name, tensor.Type, [.. tensor.Dimensions], ModelQuantizer.Copied(source, tensor));
            writer.WriteFile(folder.File($"m-{part + 1:00000}-of-{count:00000}.gguf"));
        }
    }

    private static float[] Logits(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        return LogitsRun.Compute(file, LogitsTests.Ids(), new LogitsOptions(KvType.F16, Arithmetic.Default, 64, 2))[^1];
    }
}
