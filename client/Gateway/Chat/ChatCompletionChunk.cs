using System.Text.Json.Serialization;

namespace SmolCluster.Gateway.Chat;

/// <summary>One piece of a streamed answer in OpenAI's shape.</summary>
/// <param name="Usage">Only on the last piece, and only if asked for.</param>
internal sealed record ChatCompletionChunk(string Id, long Created, string Model, IReadOnlyList<ChunkChoice> Choices,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] Usage? Usage = null)
{
    public string Object { get; } = "chat.completion.chunk";
}

/// <param name="FinishReason">stop or length on the last piece of the answer, else null.</param>
internal sealed record ChunkChoice(int Index, Delta Delta, string? FinishReason)
{
    public object? Logprobs { get; }
}

internal sealed record Delta(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Role = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Content = null);
