using System.Text.Json.Serialization;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>What an answer took, in tokens; where there are several choices, the prompt once and what was generated of all.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails PromptTokensDetails,
    CompletionTokensDetails CompletionTokensDetails)
{
    public static Usage Of(IReadOnlyList<AnswerFinished> choices)
    {
        var first = choices[0];
        int completion = choices.Sum(choice => choice.CompletionTokens);
        return new(first.PromptTokens, completion, first.PromptTokens + completion,
            new(first.CachedTokens, first.DroppedTokens == 0 ? null : first.DroppedTokens), new(choices.Sum(choice => choice.ReasoningTokens)));
    }
}

/// <param name="CachedTokens">Prompt tokens whose keys and values were already in the cache.</param>
/// <param name="TruncatedTokens">Tokens of messages that were left out because the prompt was too long; only where some were.</param>
internal sealed record PromptTokensDetails(int CachedTokens,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? TruncatedTokens);

/// <param name="ReasoningTokens">Completion tokens that are reasoning.</param>
internal sealed record CompletionTokensDetails(int ReasoningTokens);
