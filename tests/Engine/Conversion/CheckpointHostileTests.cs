using System.IO.Compression;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Tests.Conversion;

/// <summary>Checkpoints that somebody made to do harm, or that a bad disk did.</summary>
public sealed class CheckpointHostileTests
{
    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 8)] // fewer bytes than the shape
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4)] // beyond the end
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 12)] // bytes left over
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12)] // a hole
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12)] // on each other
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", 12)] // twice
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}""", 8)] // overflows
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8)]
    [InlineData("""{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}""", 0)]
    [InlineData("""{"a":{"dtype":"I8","shape":[8],"data_offsets":[0,8]}}""", 8)]
    [InlineData("""{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}""", 8)]
    [InlineData("""{"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}""", 8)]
    [InlineData("""{"a":[]}""", 8)]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-9223372036854775808,8]}}""", 8)]
    [InlineData("[1]", 0)]
    [InlineData("{", 0)]
    public void SafeTensors_InconsistentHeader_IsRefused(string header, int bytes)
    {
        using TemporaryFolder folder = TestData.Temporary();
        CheckpointFolder.WriteSafeTensors(folder.File("x.safetensors"), header, new byte[bytes]);
        Assert.Throws<CheckpointException>(() => SafeTensorsFile.Open(folder.File("x.safetensors")));
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 1 })]
    [InlineData(new byte[] { 100, 0, 0, 0, 0, 0, 0, 0, (byte)'{' })]
    public void SafeTensors_LengthThatLies_IsRefused(byte[] bytes)
    {
        using TemporaryFolder folder = TestData.Temporary();
        File.WriteAllBytes(folder.File("x.safetensors"), bytes);
        Assert.Throws<CheckpointException>(() => SafeTensorsFile.Open(folder.File("x.safetensors")));
    }

    [Theory]
    [InlineData("posix", "system")]
    [InlineData("os", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("torch", "load")]
    [InlineData("torch._utils", "_rebuild_tensor_v2\u001b[2J")]
    public void Torch_PickleThatWantsToRunSomething_IsRefusedByName(string module, string name)
    {
        PickleText pickle = new PickleText().Raw(0x80, 2).Global(module, name).Raw('(').Text("touch /tmp/owned").Raw('t', 'R', '.');
        string refusal = Refused(pickle.Bytes);
        Assert.Contains(module, refusal, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', refusal);
    }

    [Fact]
    public void Torch_PickleByStackGlobal_IsRefusedByName() =>
        Assert.Contains("os.system", Refused(new PickleText().Raw(0x80, 4).Text("os").Text("system").Raw(0x93, '.').Bytes), StringComparison.Ordinal);

    /// <summary>INST, OBJ, NEWOBJ, NEWOBJ_EX, EXT1, PERSID, REDUCE without a function, BYTEARRAY8, and bytes that are no instruction.</summary>
    [Theory]
    [InlineData('i')]
    [InlineData('o')]
    [InlineData(0x81)]
    [InlineData(0x92)]
    [InlineData(0x82)]
    [InlineData('P')]
    [InlineData(0x96)]
    [InlineData(0x00)]
    [InlineData(0xFF)]
    public void Torch_InstructionOffTheList_IsRefused(int code) =>
        Assert.Contains($"0x{code:X2}", Refused(new PickleText().Raw(0x80, 2, '(', 'N', code, '.').Bytes), StringComparison.Ordinal);

    public static TheoryData<byte[]> Nonsense =>
    [
        Array.Empty<byte>(),
        "."u8.ToArray(),
        new PickleText().Raw(0x80, 9, 'N', '.').Bytes, // a protocol that there is not
        new PickleText().Raw(0x80, 2, 't', '.').Bytes, // closes what nobody opened
        new PickleText().Raw(0x80, 2, 'R', '.').Bytes, // calls nothing
        new PickleText().Raw(0x80, 2, 'N', 'N', 'R', '.').Bytes,
        new PickleText().Raw(0x80, 2, 'h', 7, '.').Bytes, // a memo that is not there
        new PickleText().Raw(0x80, 2, 'N', 'N', 's', '.').Bytes,
        new PickleText().Raw(0x80, 2, '}', '(', 'N', 'N', 'u', '.').Bytes, // a key that is no text
        new PickleText().Raw(0x80, 2, '}', '(', 'N', 'u', '.').Bytes, // a key without a value
        new PickleText().Raw(0x80, 2, 'X', 255, 255, 255, 255).Bytes, // a text of four gigabytes
        new PickleText().Raw(0x80, 2, 0x8a, 200).Bytes,
        new PickleText().Raw(0x80, 2, 'N', '(', 0x85, '.').Bytes, // takes from below an open list
        new PickleText().Raw(0x80, 2, '}').Text("a").Raw('N', 's', '.').Bytes,
        new PickleText().Raw(0x80, 2, '}').Text("a").Global("torch._utils", "_rebuild_tensor_v2").Raw(')', 'R', 's', '.').Bytes,
    ];

    [Theory]
    [MemberData(nameof(Nonsense))]
    public void Torch_Nonsense_IsRefused(byte[] pickle) => Refused(pickle);

    [Theory]
    [InlineData(8L, 0L, 4L, 2L, 1L, "FloatStorage")] // more than the storage has
    [InlineData(4L, 1L, 2L, 2L, 1L, "FloatStorage")] // begins too late
    [InlineData(4L, -1L, 2L, 2L, 1L, "FloatStorage")]
    [InlineData(4L, 0L, 2L, 1L, 2L, "FloatStorage")] // a transposed view
    [InlineData(4L, 0L, 0L, 2L, 1L, "FloatStorage")]
    [InlineData(4L, 0L, long.MaxValue, 2L, 1L, "FloatStorage")]
    public void Torch_TensorOutsideOfItsStorage_IsRefused(long count, long start, long rows, long stride0, long stride1, string storage)
    {
        PickleText pickle = new PickleText().Raw(0x80, 2, '}').Text("a").Global("torch._utils", "_rebuild_tensor_v2").Raw('(')
            .Raw('(').Text("storage").Global("torch", storage).Text("0").Text("cpu").Integer(count).Raw('t', 'Q').Integer(start)
            .Tuple([rows, 2]).Tuple([stride0, stride1]).Raw(0x89, '}', 't', 'R', 's', '.');
        Refused(pickle.Bytes);
    }

    [Fact]
    public void Torch_NoArchive_IsRefused()
    {
        using TemporaryFolder folder = TestData.Temporary();
        File.WriteAllBytes(folder.File("x.bin"), new PickleText().Raw(0x80, 2, 'N', '.').Bytes);
        Assert.Contains("no zip archive", Assert.Throws<CheckpointException>(() => TorchCheckpoint.Open(folder.File("x.bin"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnyCheckpoint_WithBytesChanged_IsReadOrRefusedAndNothingElse()
    {
        using TemporaryFolder folder = TestData.Temporary();
        CheckpointFolder.Tensor[] tensors = [new("a", "F32", [2, 3], new byte[24]), new("b", "F32", [4], new byte[16])];
        CheckpointFolder.WriteSafeTensors(folder.File("x.safetensors"), tensors);
        CheckpointFolder.WriteTorch(folder.File("x.bin"), tensors);
        byte[] safe = File.ReadAllBytes(folder.File("x.safetensors")), torch = File.ReadAllBytes(folder.File("x.bin"));
        var random = new SplitMix64(11);
        for (int i = 0; i < 1000; i++)
        {
            Mutated(safe, ref random, folder.File("m.safetensors"), static path => SafeTensorsFile.Open(path).Dispose());
            Mutated(torch, ref random, folder.File("m.bin"), static path => TorchCheckpoint.Open(path).Dispose());
        }
    }

    private static void Mutated(byte[] original, ref SplitMix64 random, string path, Action<string> open)
    {
        byte[] bytes = original[..(int)(random.Next() % 8 == 0 ? random.Next() % (ulong)original.Length : (ulong)original.Length)];
        for (ulong flips = random.Next() % 4; flips > 0 && bytes.Length > 0; flips--)
            bytes[random.Next() % (ulong)bytes.Length] = (byte)random.Next();
        File.WriteAllBytes(path, bytes);
        try
        {
            open(path);
        }
        catch (CheckpointException refusal)
        {
            Assert.StartsWith(path, refusal.Message, StringComparison.Ordinal);
        }
    }

    private static string Refused(byte[] pickle)
    {
        using TemporaryFolder folder = TestData.Temporary();
        using (var archive = new ZipArchive(File.Create(folder.File("x.bin")), ZipArchiveMode.Create))
        {
            CheckpointFolder.Entry(archive, "archive/data.pkl", pickle);
            CheckpointFolder.Entry(archive, "archive/data/0", new byte[16]);
        }

        return Assert.Throws<CheckpointException>(() => TorchCheckpoint.Open(folder.File("x.bin"))).Message;
    }
}
