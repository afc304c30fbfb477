using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>A plain answer in OpenAI's shape.</summary>
internal sealed record ChatCompletion(string Id, long Created, string Model, IReadOnlyList<Choice> Choices, Usage Usage)
{
    public string Object { get; } = "chat.completion";
}

internal sealed record Choice(int Index, AnswerMessage Message, string FinishReason)
{
    public object? Logprobs { get; }
}

internal sealed record AnswerMessage(string Role, string Content)
{
    public string? Refusal { get; }
}

internal sealed record Usage(int PromptTokens, int CompletionTokens, int TotalTokens, PromptTokensDetails PromptTokensDetails)
{
    public static Usage Of(AnswerFinished finished) => new(finished.PromptTokens, finished.CompletionTokens,
        finished.PromptTokens + finished.CompletionTokens, new(finished.CachedTokens));
}

/// <param name="CachedTokens">Prompt tokens whose keys and values were already in the cache.</param>
internal sealed record PromptTokensDetails(int CachedTokens);
