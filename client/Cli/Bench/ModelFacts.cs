using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Text;

namespace SmolCluster.Cli.Bench;

/// <summary>What the bench needs to know of the file it measures with.</summary>
internal sealed class ModelFacts
{
    /// <summary>One token in so many is another one in an edited text.</summary>
    public const int EditedTokens = 16;

    private readonly int[] _ordinary;
    private readonly Random _random = new(1);

    private ModelFacts(GgufFile file)
    {
        Path = System.IO.Path.GetFullPath(file.Path);
        ContextLength = ModelConfig.From(file).ContextLength;
        Tokenizer tokenizer = Tokenizer.From(file);
        EndOfGeneration = [.. tokenizer.EndOfGeneration];
        _ordinary = [.. Enumerable.Range(0, tokenizer.VocabularyLength).Where(id => !tokenizer.IsControl(id) && !tokenizer.EndOfGeneration.Contains(id))];
        // a head of its own leaves the embeddings unread but for one row
        BytesPerToken = ModelTensors.WeightBytes(file)
            - (file.TryGetTensor("output.weight", out _) && file.TryGetTensor("token_embd.weight", out GgufTensor? embeddings) ? embeddings.ByteLength : 0);
    }

    public string Path { get; }

    public int ContextLength { get; }

    public int[] EndOfGeneration { get; }

    /// <summary>Of weights, which one user's decode step reads.</summary>
    public long BytesPerToken { get; }

    /// <exception cref="GgufException">The file cannot be served.</exception>
    public static ModelFacts Of(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        return new ModelFacts(file);
    }

    public bool Fits(BenchCase measured) => measured.TokensNeeded <= ContextLength;

    /// <summary>An answer to a prompt that asks for it back with corrections: each token is one that changes by this chance. Random
    /// weights do not write such a text, so the engine is given its draws; drafting and verifying are those of any answer.</summary>
    public int[] Edited(int[] prompt) =>
        [.. prompt.Select(token => _random.Next(EditedTokens) == 0 ? _ordinary[_random.Next(_ordinary.Length)] : token)];

    /// <summary>Fresh random tokens for each user. Never the same twice, so that no prefix cache can shorten a prefill.</summary>
    public int[][] RandomPrompts(BenchCase measured) => RandomPrompts(measured.Users, measured.PromptTokens);

    public int[][] RandomPrompts(int count, int tokens) => [.. Enumerable.Range(0, count).Select(_ => _random.GetItems(_ordinary, tokens))];
}
