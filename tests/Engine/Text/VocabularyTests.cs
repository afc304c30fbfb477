using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Tests.Text;

/// <summary>Vocabularies that a file could hold by mistake or malice.</summary>
public sealed class VocabularyTests : IDisposable
{
    private readonly TemporaryFolder _folder = TestData.Temporary();

    // the 256 bytes, "ab", and a control token
    private readonly List<string> _tokens = [.. Enumerable.Range(0, 256).Select(value => ByteAlphabet.CharOf((byte)value).ToString()), "ab", "<|im_end|>"];
    private readonly List<int> _types = [.. Enumerable.Repeat(1, 257), 3];
    private readonly List<string> _merges = ["a b"];
    private readonly Dictionary<string, object> _values = new() { ["tokenizer.ggml.model"] = "gpt2", ["tokenizer.ggml.pre"] = "gpt-2" };

    public void Dispose() => _folder.Dispose();

    private Tokenizer Load()
    {
        _values.TryAdd("tokenizer.ggml.tokens", _tokens.ToArray());
        _values.TryAdd("tokenizer.ggml.token_type", _types.ToArray());
        _values.TryAdd("tokenizer.ggml.merges", _merges.ToArray());
        string path = _folder.File("vocabulary.gguf");
        GgufMetadataWriter.Write(path, _values);
        using GgufFile file = GgufFile.Open(path);
        return Tokenizer.From(file);
    }

    private void AssertRefused(params string[] words)
    {
        string message = Assert.Throws<GgufException>(Load).Message;
        Assert.All(words.Append("vocabulary.gguf"), word => Assert.Contains(word, message, StringComparison.Ordinal));
    }

    [Fact]
    public void From_SmallVocabulary_Works()
    {
        Tokenizer tokenizer = Load();
        Assert.Equal([256, 'c'], tokenizer.Encode("abc"));
        Assert.Null(tokenizer.BeginOfText);
        Assert.False(tokenizer.AddsBeginOfText);
        Assert.Equal([257], tokenizer.EndOfGeneration);
        Assert.Equal([257], tokenizer.Encode("<|im_end|>", parseSpecial: true));
    }

    [Fact]
    public void From_OtherTokenizer_NamesIt() => AssertRefusedWith("tokenizer.ggml.model", "bert", "gpt2");

    [Fact]
    public void From_OtherPreTokenizer_NamesTheKnown() => AssertRefusedWith("tokenizer.ggml.pre", "deepseek-llm", "llama-bpe, smaug-bpe, qwen2, gpt-2");

    private void AssertRefusedWith(string key, string value, string expected)
    {
        _values[key] = value;
        AssertRefused(key, value, expected);
    }

    [Fact]
    public void From_DuplicateToken_IsRefused()
    {
        _tokens[256] = "a";
        AssertRefused("tokenizer.ggml.tokens", "\"a\"", "256", "97");
    }

    [Fact]
    public void From_CharacterOutsideTheAlphabet_IsRefused()
    {
        _tokens[256] = "a b";
        AssertRefused("tokenizer.ggml.tokens", "U+0020");
    }

    [Fact]
    public void From_EmptyToken_IsRefused()
    {
        _tokens[256] = "";
        AssertRefused("tokenizer.ggml.tokens", "256");
    }

    [Fact]
    public void From_ByteMissing_IsRefused()
    {
        _types['a'] = 3;
        AssertRefused("0x61");
    }

    [Fact]
    public void From_ByteThatUtf8NeverUsesMissing_Loads()
    {
        _tokens[0xFF] = "unused";
        Assert.Equal([256], Load().Encode("ab"));
    }

    [Fact]
    public void From_NoTokens_IsRefused()
    {
        _tokens.Clear();
        AssertRefused("empty");
    }

    [Fact]
    public void From_TypesOfOtherLength_IsRefused()
    {
        _types.RemoveAt(0);
        AssertRefused("tokenizer.ggml.token_type", "257", "258");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    [InlineData(-1)]
    public void From_UnknownType_IsRefused(int type)
    {
        _types[256] = type;
        AssertRefused("tokenizer.ggml.token_type", $"type {type}");
    }

    [Theory]
    [InlineData("a x b")]
    [InlineData("ab")]
    [InlineData("a ")]
    [InlineData(" a")]
    [InlineData("")]
    [InlineData("a zz")]
    [InlineData("b a")]
    [InlineData("ab ab")]
    [InlineData("< |im_end|>")]
    public void From_OddMerge_IsRefused(string merge)
    {
        _merges.Add(merge);
        AssertRefused("tokenizer.ggml.merges", "merge 1");
    }

    [Fact]
    public void From_MergeTwice_IsRefused()
    {
        _merges.Add("a b");
        AssertRefused("tokenizer.ggml.merges", "rank 0");
    }

    [Theory]
    [InlineData("bos_token_id")]
    [InlineData("eos_token_id")]
    [InlineData("eot_token_id")]
    public void From_IdOutsideTheVocabulary_IsRefused(string key)
    {
        _values["tokenizer.ggml." + key] = 258u;
        AssertRefused(key, "258", "0 to 257");
    }

    [Fact]
    public void From_BeginWantedButNotNamed_IsRefused()
    {
        _values["tokenizer.ggml.add_bos_token"] = true;
        AssertRefused("add_bos_token", "bos_token_id");
    }

    [Fact]
    public void From_MissingTokens_NamesTheKey()
    {
        GgufMetadataWriter.Write(_folder.File("vocabulary.gguf"), _values);
        using GgufFile file = GgufFile.Open(_folder.File("vocabulary.gguf"));
        Assert.Contains("tokenizer.ggml.tokens", Assert.Throws<GgufException>(() => Tokenizer.From(file)).Message, StringComparison.Ordinal);
    }
}
