using System.Text.Json.Serialization;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;

namespace SmolCluster.Gateway.Completions;

/// <summary>A continued text in OpenAI's shape, which is the same for a piece of a stream.</summary>
/// <param name="Usage">Of a stream only in its last piece, and only if asked for.</param>
internal sealed record Completion(string Id, long Created, string Model, string SystemFingerprint, IReadOnlyList<CompletionChoice> Choices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Usage? Usage)
{
    public string Object { get; } = "text_completion";

    public static Completion Of(RunningAnswer first, IReadOnlyList<CompletionChoice> choices, Usage? usage) =>
        new(first.Id.Replace("chatcmpl-", "cmpl-", StringComparison.Ordinal), first.Created, first.Request.Model, first.Fingerprint, choices, usage);

    /// <param name="each">How many answers to each prompt.</param>
    /// <param name="echo">What stands before the answers to each prompt.</param>
    public static async Task<Completion> ReadAsync(RunningChoices answers, int each, string[] echo)
    {
        var (contents, ends) = await CollectedAnswer.CollectAsync(answers);
        var choices = contents.Select((content, index) =>
            new CompletionChoice(index, echo[index / each] + content.Text, CompletionLogprobs.Of(content.Logprobs, 0), ends[index].Reason));
        return Of(answers.First, [.. choices], Usage.Of(ends, each));
    }
}

/// <param name="FinishReason">stop or length; null in a piece that is not the last.</param>
internal sealed record CompletionChoice(int Index, string Text, CompletionLogprobs? Logprobs, string? FinishReason);

/// <summary>The older shape of logprobs: lists side by side.</summary>
/// <param name="TextOffset">Where each token begins, in UTF-16 units from the text's beginning.</param>
internal sealed record CompletionLogprobs(
    IReadOnlyList<string> Tokens, IReadOnlyList<float> TokenLogprobs, IReadOnlyList<Dictionary<string, float>> TopLogprobs, IReadOnlyList<int> TextOffset)
{
    /// <param name="offset">Where the first token begins.</param>
    /// <returns>Null: none were asked for.</returns>
    public static CompletionLogprobs? Of(IReadOnlyList<TokenLogprob>? tokens, int offset)
    {
        if (tokens is null)
            return null;
        var entries = tokens.Select(TokenEntry.Of).ToList();
        var offsets = new int[entries.Count];
        for (int i = 0; i < offsets.Length; offset += entries[i++].Token.Length)
            offsets[i] = offset;
        return new([.. entries.Select(entry => entry.Token)], [.. entries.Select(entry => entry.Logprob)], [.. entries.Select(Top)], offsets);
    }

    /// <summary>Parts of characters have the same text: the likeliest stands for them.</summary>
    private static Dictionary<string, float> Top(TokenEntry entry)
    {
        var top = new Dictionary<string, float>(StringComparer.Ordinal);
        foreach (var one in entry.TopLogprobs)
            top.TryAdd(one.Token, one.Logprob);
        return top;
    }
}
