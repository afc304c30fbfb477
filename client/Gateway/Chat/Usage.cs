using System.Text.Json.Serialization;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>What an answer took, in tokens; where there are several choices, the prompt once and what was generated of all.</summary>
internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails PromptTokensDetails,
    CompletionTokensDetails CompletionTokensDetails)
{
    /// <param name="answers">In order, those to the same prompt after each other.</param>
    /// <param name="each">How many there are to each prompt; 0: all are to the same.</param>
    public static Usage Of(IReadOnlyList<AnswerFinished> answers, int each = 0)
    {
        var prompts = answers.Where((_, index) => index % (each > 0 ? each : answers.Count) == 0).ToList();
        int prompt = prompts.Sum(one => one.PromptTokens), completion = answers.Sum(one => one.CompletionTokens), dropped = prompts.Sum(one => one.DroppedTokens);
        return new(prompt, completion, prompt + completion, new(prompts.Sum(one => one.CachedTokens), dropped == 0 ? null : dropped),
            new(answers.Sum(one => one.ReasoningTokens)));
    }
}

/// <param name="CachedTokens">Prompt tokens whose keys and values were already in the cache.</param>
/// <param name="TruncatedTokens">Tokens of messages that were left out because the prompt was too long; only where some were.</param>
internal sealed record PromptTokensDetails(int CachedTokens,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? TruncatedTokens);

/// <param name="ReasoningTokens">Completion tokens that are reasoning.</param>
internal sealed record CompletionTokensDetails(int ReasoningTokens);
