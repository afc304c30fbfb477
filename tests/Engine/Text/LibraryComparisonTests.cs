using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Tests.Text;

/// <summary>Ours beside Microsoft.ML.Tokenizers in the two cases where that is exact: ranks = ids with whole words (llama-bpe),
/// and merges without (smaug-bpe).</summary>
public sealed partial class LibraryComparisonTests(Tokenizers tokenizers) : IClassFixture<Tokenizers>
{
    [GeneratedRegex(@"'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]
    private static partial Regex Llama3();

    private const int Normal = 128_000;

    [Fact]
    public void Encode_LlamaBpe_EqualsTiktoken()
    {
        StringBuilder ranks = new();
        for (int id = 0; id < Normal; id++)
            ranks.Append(CultureInfo.InvariantCulture, $"{Convert.ToBase64String(tokenizers.Llama3.Bytes(id))} {id}\n");
        using MemoryStream stream = new(Encoding.ASCII.GetBytes(ranks.ToString()));
        TiktokenTokenizer library = TiktokenTokenizer.Create(stream, new RegexPreTokenizer(Llama3(), null), null);
        foreach (string text in Texts()) Assert.Equal(library.EncodeToIds(text), tokenizers.Llama3.Encode(text));
    }

    [Fact]
    public void Encode_SmaugBpe_EqualsBpeTokenizer()
    {
        using GgufFile file = GgufFile.Open(TestData.Path("tokenizer/ggml-vocab-llama-bpe.gguf"));
        IEnumerable<KeyValuePair<string, int>> tokens = file.Metadata.Texts("tokenizer.ggml.tokens").Take(Normal).Select(KeyValuePair.Create);
        BpeTokenizer library = BpeTokenizer.Create(new BpeOptions(tokens)
        {
            Merges = file.Metadata.Texts("tokenizer.ggml.merges"),
            ByteLevel = true,
            PreTokenizer = new RegexPreTokenizer(Llama3(), null),
        });
        foreach (string text in Texts()) Assert.Equal(library.EncodeToIds(text), tokenizers.Smaug.Encode(text));
    }

    /// <summary>Tokens glued together, so that merges compete at the seams; runs, where every split of a run has its own merge.</summary>
    private IEnumerable<string> Texts()
    {
        Random random = new(9);
        for (int i = 0; i < 10_000; i++)
        {
            string glued = string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => tokenizers.Llama3.Decode([random.Next(Normal)])));
            if (!glued.Any(char.IsSurrogate)) yield return glued;
        }
        for (int length = 1; length < 200; length++)
        {
            foreach (char c in " =-a\n") yield return new string(c, length);
        }
    }
}
