using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Gguf;

/// <summary>Each way a file can lie has its refusal, and the refusal says what and where.</summary>
public sealed class GgufHostileTests
{
    private static void Says(string message, params string[] parts)
    {
        foreach (string part in parts)
            Assert.Contains(part, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MissingFile_NamesThePath() =>
        Says(Assert.Throws<GgufException>(() => GgufFile.Open("/nowhere/model.gguf")).Message, "/nowhere/model.gguf", "no such file");

    [Fact]
    public void Open_Folder_SaysSo()
    {
        using var folder = TestData.Temporary();
        Says(Assert.Throws<GgufException>(() => GgufFile.Open(Path.GetDirectoryName(folder.File("x"))!)).Message, "is a folder");
    }

    [Fact]
    public void Open_EmptyFile_Refuses() => Says(GgufBytes.RefusalOf([]), "empty");

    [Fact]
    public void Open_OtherFormat_ShowsItsFirstBytes() =>
        Says(GgufBytes.RefusalOf([.. "<!DOCTYPE html><html></html>"u8]), "at byte 0", "3C21444F", "GGUF");

    [Fact]
    public void Open_LfsPointer_TellsToPull() =>
        Says(GgufBytes.RefusalOf([.. "version https://git-lfs.github.com/spec/v1\n"u8]), "git lfs pull");

    [Fact]
    public void Open_BigEndianVersion_SaysBigEndian() =>
        Says(GgufBytes.Header(0, 0, version: 0x03000000).Refused(), "at byte 4", "big-endian");

    [Theory, InlineData(1), InlineData(4)]
    public void Open_OtherVersion_NamesIt(uint version) =>
        Says(GgufBytes.Header(0, 0, version).Refused(), $"version is {version}", "2 or 3");

    [Fact]
    public void Open_HeaderCutShort_Refuses() => Says(GgufBytes.RefusalOf(GgufBytes.Header(0, 0).ToArray()[..20]), "20 bytes", "cut short");

    [Fact]
    public void Open_TensorCountBeyondTheFile_RefusesBeforeAllocating() =>
        Says(GgufBytes.Header(ulong.MaxValue, 0).Refused(), "at byte 8", "number of tensors", "18446744073709551615");

    [Fact]
    public void Open_KeyCountBeyondTheFile_Refuses() => Says(GgufBytes.Header(0, 1UL << 60).Refused(), "at byte 16", "metadata entries");

    [Fact]
    public void Open_KeyLengthBeyondTheFile_Refuses() =>
        Says(GgufBytes.Header(0, 1).U64(1UL << 40).U64(0).Refused(), "at byte 24", "a metadata key");

    [Fact]
    public void Open_KeyNotUtf8_Refuses() =>
        Says(GgufBytes.Header(0, 1).U64(2).Raw([0xc3, 0x28]).Type(GgufValueType.UInt32).U32(1).Refused(), "not valid UTF-8", "C328");

    [Fact]
    public void Open_EmptyKey_Refuses() =>
        Says(GgufBytes.Header(0, 1).Text("").Type(GgufValueType.UInt32).U32(1).U32(0).Refused(), "empty");

    [Fact]
    public void Open_DuplicateKey_NamesIt() => Says(GgufBytes.Header(0, 2).Entry("a.b", 1).Entry("a.b", 2).Refused(), "'a.b' occurs twice");

    [Fact]
    public void Open_EscapesInAKey_DoNotReachTheTerminal() =>
        Assert.DoesNotContain('\u001b', GgufBytes.Header(0, 2).Entry("\u001b[2J", 1).Entry("\u001b[2J", 2).Refused());

    [Fact]
    public void Open_UnknownValueType_NamesKeyAndNumber() =>
        Says(GgufBytes.Header(0, 1).Text("k").U32(13).U64(0).Refused(), "'k'", "type 13");

    [Fact]
    public void Open_BooleanOf7_Refuses() =>
        Says(GgufBytes.Header(0, 1).Text("flag").Type(GgufValueType.Bool).U8(7).Refused(), "'flag'", "byte 7", "0 or 1");

    [Fact]
    public void Open_ValueCutShort_Refuses() =>
        Says(GgufBytes.Header(0, 1).Text("k").Type(GgufValueType.Float64).U32(0).Refused(), "the value of 'k'", "8 bytes", "cut short");

    [Fact]
    public void Open_TextLengthBeyondTheFile_Refuses() =>
        Says(GgufBytes.Header(0, 1).Text("k").Type(GgufValueType.String).U64(ulong.MaxValue).Refused(), "the value of 'k'", "bytes are "
            + "left");

    [Fact]
    public void Open_ArrayOfArrays_RefusesByName() =>
        Says(GgufBytes.Header(0, 1).Text("deep").Type(GgufValueType.Array).Type(GgufValueType.Array).U64(1).U64(0).Refused(), "'deep'",
            "array of arrays");

    [Fact]
    public void Open_ArrayOfUnknownType_Refuses() =>
        Says(GgufBytes.Header(0, 1).Text("k").Type(GgufValueType.Array).U32(99).U64(0).Refused(), "'k'", "element type 99");

    [Fact]
    public void Open_ArrayLongerThanTheFile_RefusesBeforeAllocating() =>
        Says(GgufBytes.Header(0, 1).Text("k").Type(GgufValueType.Array).Type(GgufValueType.Float64).U64(1UL << 61).Refused(), "number of "
            + "elements of 'k'");

    [Fact]
    public void Open_TextArrayElementBeyondTheFile_Refuses() =>
        Says(GgufBytes.Header(0, 1).Text("k").Type(GgufValueType.Array).Type(GgufValueType.String).U64(1).U64(1 << 20).Refused(), "an "
            + "element of 'k'");

    [Fact]
    public void Texts_ElementNotUtf8_NamesTheKey()
    {
        using var folder = TestData.Temporary();
        string path = folder.File("a.gguf");
        var bytes = GgufBytes.Header(0, 1).Text("k").Type(GgufValueType.Array).Type(GgufValueType.String).U64(1).U64(1).U8(0xff);
        File.WriteAllBytes(path, bytes.ToArray());
        using var file = GgufFile.Open(path);
        Says(Assert.Throws<GgufException>(() => file.Metadata.Texts("k")).Message, "an element of 'k'", "not valid UTF-8", path);
    }

    [Theory, InlineData(0), InlineData(3), InlineData(4), InlineData(48), InlineData(1 << 20)]
    public void Open_OddAlignment_Refuses(uint alignment) =>
        Says(GgufBytes.Header(0, 1).Entry("general.alignment", alignment).Refused(), "'general.alignment'", $"is {alignment}", "power of "
            + "two");

    [Theory, InlineData(0), InlineData(5)]
    public void Open_DimensionCount_Refuses(int count) =>
        Says(GgufBytes.Header(1, 0).Tensor("w", GgmlType.F32, 0, [.. Enumerable.Repeat(1UL, count)]).Data(64).Refused(), "'w'", $"{count} "
            + "dimensions", "1 to 4");

    [Fact]
    public void Open_ZeroDimension_Refuses() =>
        Says(GgufBytes.Header(1, 0).Tensor("w", GgmlType.F32, 0, 4, 0).Data(64).Refused(), "dimension 1 of the tensor 'w' is 0");

    [Fact]
    public void Open_HugeDimension_Refuses() =>
        Says(GgufBytes.Header(1, 0).Tensor("w", GgmlType.F32, 0, ulong.MaxValue).Data(64).Refused(), "dimension 0", "18446744073709551615");

    [Fact]
    public void Open_ProductOverflow_Refuses() =>
        Says(GgufBytes.Header(1, 0).Tensor("w", GgmlType.F32, 0, 1UL << 32, 1UL << 32, 4).Data(64).Refused(), "'w'", "larger than any "
            + "file");

    [Fact]
    public void Open_ProductThatWrapsToASmallNumber_Refuses() =>
        Says(GgufBytes.Header(1, 0).Tensor("w", GgmlType.F32, 0, 1UL << 62, 4, 1).Data(64).Refused(), "'w'", "larger than any file");

    [Fact]
    public void Open_ColumnsNoMultipleOfBlock_Refuses() =>
        Says(GgufBytes.Header(1, 0).Tensor("w", GgmlType.Q4_K, 0, 128).Data(256).Refused(), "'w'", "128", "Q4_K", "256");

    [Fact]
    public void Open_UnsupportedType_NamesItAndTheSupported() =>
        Says(GgufBytes.Header(1, 0).Tensor("w", GgmlType.IQ2_XXS, 0, 256).Data(256).Refused(), "'w'", "IQ2_XXS", "Q4_K");

    [Fact]
    public void Open_UnknownTypeNumber_GivesIt() =>
        Says(GgufBytes.Header(1, 0).Tensor("w", (GgmlType)4711, 0, 256).Data(256).Refused(), "'w'", "unknown type number 4711");

    [Fact]
    public void Open_OffsetNotAligned_Refuses() =>
        Says(GgufBytes.Header(1, 0).Tensor("w", GgmlType.F32, 4, 4).Data(64).Refused(), "'w'", "offset 4", "alignment 32");

    [Theory, InlineData(64), InlineData(1UL << 62), InlineData(0xffff_ffff_ffff_ffe0)]
    public void Open_OffsetPastTheEnd_Refuses(ulong offset) =>
        Says(GgufBytes.Header(1, 0).Tensor("w", GgmlType.F32, offset, 4).Data(64).Refused(), "'w'");

    [Fact]
    public void Open_TensorCutShort_SaysWhereTheFileEnds() =>
        Says(GgufBytes.Header(1, 0).Tensor("w", GgmlType.F32, 0, 32).Data(64).Refused(), "'w'", "but the file ends at", "cut short");

    [Fact]
    public void Open_DuplicateTensor_NamesIt() =>
        Says(GgufBytes.Header(2, 0).Tensor("w", GgmlType.F32, 0, 8).Tensor("w", GgmlType.F32, 32, 8).Data(64).Refused(), "'w' occurs "
            + "twice");

    [Fact]
    public void Open_OverlappingTensors_NamesBoth() =>
        Says(GgufBytes.Header(2, 0).Tensor("a", GgmlType.F32, 0, 16).Tensor("b", GgmlType.F32, 32, 8).Data(64).Refused(), "'a'", "'b'",
            "overlap");

    [Fact]
    public void Open_TensorTableCutShort_Refuses() =>
        Says(GgufBytes.RefusalOf(GgufBytes.Header(1, 0).Tensor("tensor", GgmlType.F32, 0, 8).ToArray()[..^6]), "'tensor'", "the offset",
            "cut short");

    [Fact]
    public void Integer_OtherType_NamesKeyTypeAndValue()
    {
        using var file = GgufFile.Open(TestData.DemoModel);
        Says(Assert.Throws<GgufException>(() => file.Metadata.Integer("general.name")).Message, "'general.name'", "String", "SmolCluster "
            + "demo", "an integer");
        Says(Assert.Throws<GgufException>(() => file.Metadata.Texts("tokenizer.ggml.token_type")).Message, "an array of Int32", "an array "
            + "of strings");
        Says(Assert.Throws<GgufException>(() => file.Metadata.Text("absent")).Message, "'absent' is missing", "smollm3.block_count");
        Assert.Equal(7, file.Metadata.Integer("absent", 7));
    }
}
