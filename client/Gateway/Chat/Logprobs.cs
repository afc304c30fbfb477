using System.Text;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>The logprobs of a text in OpenAI's shape.</summary>
internal sealed record Logprobs(IReadOnlyList<TokenEntry> Content)
{
    public object? Refusal { get; }

    /// <returns>Null: none were asked for.</returns>
    public static Logprobs? Of(IReadOnlyList<TokenLogprob>? tokens) => tokens is null ? null : new([.. tokens.Select(TokenEntry.Of)]);
}

/// <param name="Token">As text; a part of a character is shown as U+FFFD, so "bytes" is what to go by.</param>
internal sealed record TokenEntry(string Token, float Logprob, IReadOnlyList<int> Bytes, IReadOnlyList<TopEntry> TopLogprobs)
{
    public static TokenEntry Of(TokenLogprob token) =>
        new(Encoding.UTF8.GetString(token.Bytes), token.Logprob, [.. token.Bytes], [.. token.Top.Select(TopEntry.Of)]);
}

internal sealed record TopEntry(string Token, float Logprob, IReadOnlyList<int> Bytes)
{
    public static TopEntry Of(TokenLogprob token) => new(Encoding.UTF8.GetString(token.Bytes), token.Logprob, [.. token.Bytes]);
}
