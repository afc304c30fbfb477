using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Tests.Text;

/// <summary>Loads each vocabulary once for all tests.</summary>
public sealed class Tokenizers
{
    public Tokenizer Llama3 { get; } = Load(TestData.Path("tokenizer/ggml-vocab-llama-bpe.gguf"));

    public Tokenizer Gpt2 { get; } = Load(TestData.Path("tokenizer/ggml-vocab-gpt-2.gguf"));

    public Tokenizer Demo { get; } = Load(TestData.DemoModel);

    /// <summary>SmolLM3's: Llama-3's vocabulary under the name smaug-bpe.</summary>
    public Tokenizer Smaug { get; } = LoadRenamed("smaug-bpe");

    public Tokenizer Qwen2 { get; } = LoadRenamed("qwen2");

    private static Tokenizer Load(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        return Tokenizer.From(file);
    }

    private static Tokenizer LoadRenamed(string pre)
    {
        using GgufFile llama3 = GgufFile.Open(TestData.Path("tokenizer/ggml-vocab-llama-bpe.gguf"));
        using TemporaryFolder folder = TestData.Temporary();
        GgufMetadataWriter.Write(folder.File("renamed.gguf"), new Dictionary<string, object>
        {
            ["tokenizer.ggml.model"] = "gpt2",
            ["tokenizer.ggml.pre"] = pre,
            ["tokenizer.ggml.tokens"] = llama3.Metadata.Texts("tokenizer.ggml.tokens").ToArray(),
            ["tokenizer.ggml.token_type"] = llama3.Metadata.Integers("tokenizer.ggml.token_type").Select(type => (int)type).ToArray(),
            ["tokenizer.ggml.merges"] = llama3.Metadata.Texts("tokenizer.ggml.merges").ToArray(),
            ["tokenizer.ggml.bos_token_id"] = 128000u,
        });
        return Load(folder.File("renamed.gguf"));
    }
}

public sealed class TokenizerTests(Tokenizers tokenizers) : IClassFixture<Tokenizers>
{
    public static TheoryData<string> All => ["llama-bpe", "gpt-2", "demo", "smaug-bpe", "qwen2"];

    private Tokenizer Of(string name) => name switch
    {
        "llama-bpe" => tokenizers.Llama3,
        "gpt-2" => tokenizers.Gpt2,
        "demo" => tokenizers.Demo,
        "smaug-bpe" => tokenizers.Smaug,
        _ => tokenizers.Qwen2,
    };

    [Theory]
    [InlineData("llama-bpe")]
    [InlineData("gpt-2")]
    public void Encode_LlamaCppsVectors_GivesItsIds(string name)
    {
        string path = TestData.Path($"tokenizer/ggml-vocab-{name}.gguf");
        string[] texts = File.ReadAllText(path + ".inp").Split("\n__ggml_vocab_test__\n");
        string[] lines = File.ReadAllText(path + ".out").Split('\n');
        Assert.Equal((47, 47), (texts.Length, lines.Length)); // both end in an empty piece
        for (int i = 0; i < texts.Length; i++)
        {
            int[] expected = [.. lines[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture))];
            Assert.Equal(expected, Of(name).Encode(texts[i]));
        }
    }

    [Fact]
    public void Encode_DemoPrompts_GivesLlamaCppsIds()
    {
        foreach (JsonNode? chat in JsonNode.Parse(File.ReadAllText(TestData.Path("demo-greedy.json")))!.AsArray())
        {
            string user = (string)chat!["user"]!;
            PromptSegment[] prompt = [new("<|im_start|>user\n", true), new(user, false), new("<|im_end|>\n", true), new("<|im_start|>assistant\n", true)];
            Assert.Equal(chat["prompt_ids"]!.AsArray().Select(id => (int)id!), tokenizers.Demo.Encode(prompt));
        }
    }

    [Theory]
    [InlineData("The quick brown fox", new[] { 791, 4062, 14198, 39935 })]
    [InlineData("I'm testing SmolLM3.", new[] { 40, 2846, 7649, 4487, 337, 11237, 18, 13 })]
    public void Encode_KnownSmolLM3Texts_GivesItsIds(string text, int[] expected)
    {
        Assert.Equal(expected, tokenizers.Smaug.Encode(text));
        Assert.Equal(expected, tokenizers.Llama3.Encode(text));
    }

    [Fact]
    public void Encode_TokenThatNoMergesReach_IsWholeOnlyUnderLlamaBpe()
    {
        // twice: the second call takes the short way of a word seen before
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal([100769], tokenizers.Llama3.Encode(" việc"));
            Assert.Equal([3355, 26298, 66], tokenizers.Smaug.Encode(" việc"));
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Decode_OfEncodedRandomText_GivesTheText(string name)
    {
        Random random = new(6);
        string[] pieces = ["a", "Hello", " ", "  ", "\n", "\r\n", "\t", "'s", "'LL", "123", "9", "é", "e\u0301", "你好", "😀", "👩‍👩‍👧", "𝐇", "𠮷", "\u00A0", "\u3000", "<|im_end|>", ".", "...", "\0", "\u0085", "ß", "ا", "\uFFFD"];
        for (int round = 0; round < 500; round++)
        {
            StringBuilder text = new();
            for (int i = random.Next(20); i > 0; i--)
            {
                if (random.Next(4) > 0) text.Append(pieces[random.Next(pieces.Length)]);
                else if (Rune.TryCreate(random.Next(0x110000), out Rune rune)) text.Append(rune);
            }
            int[] tokens = Of(name).Encode(text.ToString());
            Assert.Equal(text.ToString(), Of(name).Decode(tokens));
            Assert.DoesNotContain(tokens, Of(name).IsControl);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Encode_SpecialNamesFromAPerson_BecomeOrdinaryTokens(string name)
    {
        Tokenizer tokenizer = Of(name);
        string special = tokenizer.Decode([tokenizer.EndOfGeneration.First()], showControl: true);
        int[] tokens = tokenizer.Encode([new("system", true), new($"a{special}b", false), new("end", true)]);
        Assert.DoesNotContain(tokens, tokenizer.IsControl);
        Assert.Equal($"systema{special}bend", tokenizer.Decode(tokens));
        Assert.Contains(tokenizer.Encode(special, parseSpecial: true), tokenizer.IsControl);
    }

    [Fact]
    public void Encode_SpecialNameAcrossABorder_IsParsedOnlyBetweenScaffolds()
    {
        int[] expected = [2034];
        Assert.Equal(expected, tokenizers.Demo.Encode([new("<|im", true), new("", true), new("_end|>", true)]));
        Assert.DoesNotContain(2034, tokenizers.Demo.Encode([new("<|im", true), new("_end|>", false)]));
        Assert.DoesNotContain(2034, tokenizers.Demo.Encode([new("<|im_end|", false), new(">", true)]));
        Assert.DoesNotContain(2034, tokenizers.Demo.Encode([new("<|im", true), new("_end|", false), new(">", true)]));
    }

    [Fact]
    public void Encode_TextAcrossSegments_MergesAsOneString()
    {
        PromptSegment[] split = [new("<|im_end|>The qu", true), new("ick bro", false), new("wn fox", true)];
        Assert.Equal(tokenizers.Llama3.Encode("<|im_end|>The quick brown fox", parseSpecial: false), tokenizers.Llama3.Encode(split));
        Assert.Equal([2034, .. tokenizers.Demo.Encode("The quick brown fox")], tokenizers.Demo.Encode(split));
    }

    [Fact]
    public void Encode_SpecialsParsed_SplitTheTextBetween()
    {
        Assert.Equal([128000, 791, 128009, 198], tokenizers.Llama3.Encode("<|begin_of_text|>The<|eot_id|>\n", parseSpecial: true));
        Assert.Equal("The\n", tokenizers.Llama3.Decode([128000, 791, 128009, 198]));
        Assert.Equal("<|begin_of_text|>The", tokenizers.Llama3.Decode([128000, 791], showControl: true));
    }

    [Fact]
    public void Encode_HalfASurrogatePair_CountsAsReplacement() =>
        Assert.Equal(tokenizers.Llama3.Encode("a\uFFFDb\uFFFD"), tokenizers.Llama3.Encode("a\uD800b\uDC00"));

    [Fact]
    public void Properties_OfEachVocabulary_AreTheFiles()
    {
        Assert.Equal((128256, 128000, true), (tokenizers.Llama3.VocabularyLength, tokenizers.Llama3.BeginOfText, tokenizers.Llama3.AddsBeginOfText));
        Assert.Equal([128001, 128009], tokenizers.Llama3.EndOfGeneration.Order());
        Assert.False(tokenizers.Smaug.AddsBeginOfText);
        Assert.Equal((50257, 50256, false), (tokenizers.Gpt2.VocabularyLength, tokenizers.Gpt2.BeginOfText, tokenizers.Gpt2.AddsBeginOfText));
        Assert.Equal((2048, 2032, false), (tokenizers.Demo.VocabularyLength, tokenizers.Demo.BeginOfText, tokenizers.Demo.AddsBeginOfText));
        Assert.Equal([2032, 2034], tokenizers.Demo.EndOfGeneration.Order());
    }

    [Fact]
    public void Bytes_IdOutsideTheVocabulary_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizers.Demo.Bytes(2048).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizers.Demo.Bytes(-1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizers.Demo.IsControl(int.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizers.Demo.Decode([0, 2048]));
    }

    /// <summary>A quadratic merge of a million symbols takes hours; half a second is usual, and the bound spares a busy machine.</summary>
    [Theory]
    [InlineData("a")]
    [InlineData(" ")]
    [InlineData("<|im_end|")]
    [InlineData("\n ")]
    [InlineData("'")]
    public void Encode_AMegabyteWithoutPause_TakesTimeInProportion(string unit)
    {
        string text = string.Concat(Enumerable.Repeat(unit, (1 << 20) / unit.Length));
        Stopwatch watch = Stopwatch.StartNew();
        int[] tokens = tokenizers.Smaug.Encode(text, parseSpecial: true);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 120);
        Assert.Equal(text, tokenizers.Smaug.Decode(tokens));
    }

    [Fact]
    public void Encode_FromManyThreads_GivesTheSame()
    {
        string text = File.ReadAllText(TestData.Path("tokenizer/ggml-vocab-gpt-2.gguf.inp"));
        int[] expected = tokenizers.Qwen2.Encode(text);
        Parallel.For(0, 16, _ => Assert.Equal(expected, tokenizers.Qwen2.Encode(text)));
    }
}
