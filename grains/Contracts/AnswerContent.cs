using System.Text;

namespace SmolCluster.Contracts;

/// <summary>What an answer's events add up to so far. Not thread-safe.</summary>
public sealed class AnswerContent
{
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _reasoning = new();
    private readonly List<(string Id, string Name, StringBuilder Arguments)> _calls = [];

    private List<TokenLogprob>? _logprobs;

    /// <summary>The answer proper.</summary>
    public string Text => _text.ToString();

    public string Reasoning => _reasoning.ToString();

    public IReadOnlyList<ToolCall> ToolCalls => [.. _calls.Select(call => new ToolCall(call.Id, call.Name, call.Arguments.ToString()))];

    /// <summary>Of <see cref="Text"/>; null: none were asked for.</summary>
    public IReadOnlyList<TokenLogprob>? Logprobs => _logprobs;

    /// <summary>Events in order; those without content count for nothing.</summary>
    public void Add(GenerationEvent happened)
    {
        switch (happened)
        {
            case TextDelta text:
                _text.Append(text.Text);
                if (text.Logprobs is { } more) (_logprobs ??= []).AddRange(more);
                break;
            case ReasoningDelta reasoning:
                _reasoning.Append(reasoning.Text);
                break;
            case ToolCallDelta call:
                if (call is { CallId: { } id, Name: { } name }) _calls.Add((id, name, new StringBuilder()));
                _calls[call.Index].Arguments.Append(call.Arguments);
                break;
        }
    }
}
