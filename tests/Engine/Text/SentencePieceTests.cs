using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Tests.Text;

/// <summary>A SentencePiece vocabulary of 780 tokens made for this test (tests/data/tokenizer/spm.gguf); the ids are llama.cpp's
/// (node-llama-cpp 3.22.1), without special tokens parsed in .out and with them in .special.</summary>
public sealed class SentencePieceTests
{
    [Fact]
    public void Encode_LlamaCppsVectors_GivesItsIds()
    {
        Tokenizer tokenizer = Load();
        string path = TestData.Path("tokenizer/spm.gguf");
        string[] texts = File.ReadAllText(path + ".inp").Split("\n__ggml_vocab_test__\n"), lines = File.ReadAllText(path + ".out").TrimEnd('\n').Split('\n');
        Assert.Equal(texts.Length, lines.Length);
        for (int i = 0; i < texts.Length; i++)
            Assert.Equal((texts[i], lines[i]), (texts[i], string.Join(' ', tokenizer.Encode(texts[i]))));
        Assert.Equal(File.ReadAllText(path + ".special"), string.Join(' ', tokenizer.Encode("<|user|>hello<s>the dog<tool>x", parseSpecial: true)));
    }

    [Fact]
    public void Decode_Encoded_GivesTheTextBehindOneSpace()
    {
        Tokenizer tokenizer = Load();
        foreach (string text in (string[])["the quick  brown fox", "世界你好 字 🦙", "a\n\tb", "Ünknöwn"])
            Assert.Equal(" " + text, tokenizer.Decode(tokenizer.Encode(text)));
        Assert.Equal((1, true), (tokenizer.BeginOfText, tokenizer.AddsBeginOfText));
        Assert.Contains(2, tokenizer.EndOfGeneration);
    }

    [Fact]
    public void Encode_LongTextWithoutSpaces_TakesItsLength() => Assert.Equal(1 << 20, Load().Encode(new string('Z', 1 << 20)).Length - 1);

    [Theory]
    [InlineData("tokenizer.ggml.scores")]
    [InlineData("tokenizer.ggml.token_type")]
    public void From_KeyMissing_IsRefusedByName(string key)
    {
        using TemporaryFolder folder = TestData.Temporary();
        using GgufFile source = GgufFile.Open(TestData.Path("tokenizer/spm.gguf"));
        new GgufWriter().AddAll(source.Metadata, other => other != key).WriteFile(folder.File("x.gguf"));
        using GgufFile file = GgufFile.Open(folder.File("x.gguf"));
        Assert.Contains(key, Assert.Throws<GgufException>(() => Tokenizer.From(file)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(260, "<0x41>", 6, "two tokens")]
    [InlineData(300, "<0xZZ>", 6, "<0x00>")]
    [InlineData(300, "", 1, "empty")]
    [InlineData(300, "x", 9, "type 9")]
    public void From_OddToken_IsRefused(int id, string token, int type, string named)
    {
        using TemporaryFolder folder = TestData.Temporary();
        using GgufFile source = GgufFile.Open(TestData.Path("tokenizer/spm.gguf"));
        string[] tokens = [.. source.Metadata.Texts("tokenizer.ggml.tokens")];
        int[] types = [.. source.Metadata.Integers("tokenizer.ggml.token_type").Select(static t => (int)t)];
        (tokens[id], types[id]) = (token, type);
        new GgufWriter().AddAll(source.Metadata, static key => key is not ("tokenizer.ggml.tokens" or "tokenizer.ggml.token_type"))
            .Add("tokenizer.ggml.tokens", tokens).Add("tokenizer.ggml.token_type", types).WriteFile(folder.File("x.gguf"));
        using GgufFile file = GgufFile.Open(folder.File("x.gguf"));
        Assert.Contains(named, Assert.Throws<GgufException>(() => Tokenizer.From(file)).Message, StringComparison.Ordinal);
    }

    private static Tokenizer Load()
    {
        using GgufFile file = GgufFile.Open(TestData.Path("tokenizer/spm.gguf"));
        return Tokenizer.From(file);
    }
}
