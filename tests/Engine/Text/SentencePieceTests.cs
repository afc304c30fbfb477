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

    /// <summary>As in Gemma's files: no space in front, and runs of blanks that are tokens of their own, whoever writes them. The ids are
    /// llama.cpp's of the same file, without special tokens parsed.</summary>
    [Fact]
    public void Encode_LikeGemma_TakesRunsOfBlanksWholeAndNoOtherNames()
    {
        using TemporaryFolder folder = TestData.Temporary();
        string path = WriteLikeGemma(folder);
        using GgufFile file = GgufFile.Open(path);
        Tokenizer tokenizer = Tokenizer.From(file);
        foreach ((string text, string ids) in LikeGemma)
            Assert.Equal((text, ids), (text, string.Join(' ', tokenizer.Encode(text))));
        Assert.DoesNotContain(779, tokenizer.Encode("a<tool>b"));
        Assert.Equal("the\n\n\n  dog", tokenizer.Decode(tokenizer.Encode("the\n\n\n  dog")));
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

    private static (string Text, string Ids)[] LikeGemma =>
    [
        ("the dog", "380 329"), ("Hello world", "591 547"), (" leading", "649 740 736 739 607"), ("the\n\n\n  dog", "380 276 259 269"),
        ("a\n\n\n\n\nb", "736 276 275 737"), ("\n", "274"), ("   x", "259 773 759"), ("the     quick          brown", "380 260 596 261 259 686"),
        ("thi\n    words\n\nbe", "262 274 260 296 275 293"), ("▁mark ▁▁x", "677 463 746 773 773 773 759"), ("dog \n dog", "269 773 274 329"),
        ("\n\n世界 🦙", "275 266 773 243 162 169 156"),
    ];

    private static string WriteLikeGemma(TemporaryFolder folder)
    {
        using GgufFile source = GgufFile.Open(TestData.Path("tokenizer/spm.gguf"));
        string[] tokens = [.. source.Metadata.Texts("tokenizer.ggml.tokens")];
        int[] types = [.. source.Metadata.Integers("tokenizer.ggml.token_type").Select(static t => (int)t)];
        foreach ((int id, string text) in new[] { (259, "  "), (260, "    "), (261, "        "), (274, "\n"), (275, "\n\n"), (276, "\n\n\n") })
            (tokens[id], types[id]) = (text, 4);
        new GgufWriter().AddAll(source.Metadata, static key => key is not ("tokenizer.ggml.tokens" or "tokenizer.ggml.token_type" or "tokenizer.ggml.add_space_prefix"))
            .Add("tokenizer.ggml.tokens", tokens).Add("tokenizer.ggml.token_type", types).Add("tokenizer.ggml.add_space_prefix", false).WriteFile(folder.File("x.gguf"));
        return folder.File("x.gguf");
    }

    private static Tokenizer Load()
    {
        using GgufFile file = GgufFile.Open(TestData.Path("tokenizer/spm.gguf"));
        return Tokenizer.From(file);
    }
}
