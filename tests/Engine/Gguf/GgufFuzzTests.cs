using System.Diagnostics;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Tests.Gguf;

/// <summary>Seeded mutations of a small whole model: each either opens or is refused with a message, within a bounded time and
/// a bounded allocation.</summary>
public sealed class GgufFuzzTests
{
    private const int Cases = 5000;
    private const long MostBytes = 4 << 20;

    [Fact]
    public void Open_MutatedModels_OpenOrAreRefused()
    {
        using var folder = TestData.Temporary();
        string path = folder.File("mutant.gguf");
        byte[] model = GgufBytes.Model();
        int header = model.AsSpan().LastIndexOf("blk.1"u8) + 64;
        var random = new Random(20250710);
        int opened = 0, configured = 0;
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < Cases; i++)
        {
            File.WriteAllBytes(path, Mutate(model, header, random));
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                using var file = GgufFile.Open(path);
                opened++;
                foreach (string key in file.Metadata.Keys)
                    Assert.True(file.Metadata.TryGetValue(key, out _));
                ModelConfig.From(file);
                configured++;
            }
            catch (GgufException e)
            {
                Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
                Assert.InRange(e.Message.Length, path.Length, path.Length + 20_000);
            }
            catch (Exception e)
            {
                Assert.Fail($"case {i}: {e}");
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
        }

        Assert.InRange(opened, Cases / 20, Cases - (Cases / 20));
        Assert.InRange(configured, 1, opened);
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromMinutes(2));
    }

    private static byte[] Mutate(byte[] model, int header, Random random)
    {
        byte[] bytes = [.. model];
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(Math.Min(header, bytes.Length));
            switch (random.Next(6))
            {
                case 0: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[at] = (byte)random.Next(256); break;
                case 2: bytes = bytes[..random.Next(1, bytes.Length)]; break;
                case 3: BitConverter.TryWriteBytes(bytes.AsSpan(at), random.NextInt64() >> random.Next(64)); break;
                case 4: BitConverter.TryWriteBytes(bytes.AsSpan(at), (uint)random.Next(16)); break;
                default:
                    int from = random.Next(Math.Min(header, bytes.Length));
                    int length = Math.Min(random.Next(1, 64), bytes.Length - Math.Max(at, from));
                    bytes.AsSpan(from, length).CopyTo(bytes.AsSpan(at));
                    break;
            }
        }

        return bytes;
    }
}
