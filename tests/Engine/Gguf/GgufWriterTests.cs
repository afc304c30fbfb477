using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Gguf;

public sealed unsafe class GgufWriterTests
{
    [Fact]
    public void Write_EveryValueType_ReadsBackTheSame()
    {
        object[] values =
        [
            (byte)200, (sbyte)-100, (ushort)60_000, (short)-30_000, 4_000_000_000u, -2_000_000_000, ulong.MaxValue, long.MinValue, 1.5f,
                -2.25, true, "größer 𝄞",
            new byte[] { 1, 255 }, new sbyte[] { -1 }, new ushort[] { 9 }, new short[] { -9 }, new[] { 3u }, new[] { -3, 4 },
                new[] { ulong.MaxValue },
            new[] { long.MinValue }, new[] { 0.5f }, new[] { 0.25 }, new[] { true, false }, new[] { "a", "", "Ġb" }, Array.Empty<string>(),
        ];
        using var folder = TestData.Temporary();
        string path = folder.File("values.gguf");
        var writer = new GgufWriter();
        for (int i = 0; i < values.Length; i++)
            writer.Add($"k{i}", values[i]);
        using (var stream = File.Create(path))
            writer.Write(stream);

        using var file = GgufFile.Open(path);
        for (int i = 0; i < values.Length; i++)
        {
            Assert.True(file.Metadata.TryGetValue($"k{i}", out object? value));
            Assert.Equal(values[i].GetType(), value.GetType());
            Assert.Equal(values[i], value);
        }

        Assert.Equal("Int32[2] [-3, 4]", file.Metadata.Describe("k17"));
        Assert.Throws<GgufException>(() => file.Metadata.Integer("k6"));
    }

    [Fact]
    public void Write_TensorsLargerThanAChunk_AlignsAndKeepsBytes()
    {
        using var folder = TestData.Temporary();
        string path = folder.File("tensors.gguf");
        using (var stream = File.Create(path))
        {
            new GgufWriter(alignment: 128)
                .AddTensor("small", GgmlType.Q4_0, [32, 3], static (chunk, offset) => chunk.Fill(7))
                .AddTensor("large", GgmlType.F32, [1000, 700], static (chunk, offset) =>
                {
                    for (int i = 0; i < chunk.Length; i++)
                        chunk[i] = (byte)((offset + i) * 31 >> 3);
                })
                .Write(stream);
        }

        using var file = GgufFile.Open(path);
        Assert.All(file.Tensors, static t => Assert.Equal(0, t.Offset % 128));
        GgufTensor large = file.Tensors[1];
        var bytes = new ReadOnlySpan<byte>(file.Data(large), (int)large.ByteLength);
        for (int i = 0; i < bytes.Length; i += 997)
            Assert.Equal((byte)((long)i * 31 >> 3), bytes[i]);
        Assert.Equal(3 * 18, file.Tensors[0].ByteLength);
    }

    [Fact]
    public void Add_TwiceOrUnknownType_Throws()
    {
        var writer = new GgufWriter().Add("k", 1);
        Assert.Throws<ArgumentException>(() => writer.Add("k", 2));
        Assert.Throws<ArgumentException>(() => writer.Add("d", DateTime.UnixEpoch));
        Assert.Throws<ArgumentException>(() => writer.AddTensor("w", GgmlType.Q4_K, [128], static (_, _) => { }));
    }
}
