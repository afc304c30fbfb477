namespace SmolCluster.Engine.Text;

/// <summary>How a model marks the parts of its answers: reasoning in front, then text, then tool calls, each a JSON object. The
/// marks are those of SmolLM3, which it shares with the Qwen3 and Hermes families; which of them a model uses its chat template says.</summary>
/// <param name="Reasons">An answer may begin with reasoning between <see cref="ReasoningBegin"/> and <see cref="ReasoningEnd"/>.</param>
/// <param name="CallsTools">Where it is told of tools, it calls them between <see cref="CallBegin"/> and <see cref="CallEnd"/>.</param>
public sealed record AnswerForm(bool Reasons, bool CallsTools)
{
    public const string ReasoningBegin = "<think>", ReasoningEnd = "</think>", CallBegin = "<tool_call>", CallEnd = "</tool_call>";

    /// <summary>Text and nothing else.</summary>
    public static AnswerForm Plain { get; } = new(false, false);

    /// <summary>All marks.</summary>
    public static IReadOnlyList<string> Marks { get; } = [ReasoningBegin, ReasoningEnd, CallBegin, CallEnd];

    /// <summary>What a template's own text tells of the answers that it was written for.</summary>
    /// <param name="template">Jinja source.</param>
    public static AnswerForm Of(string template)
    {
        ArgumentNullException.ThrowIfNull(template);
        bool Has(string word) => template.Contains(word, StringComparison.Ordinal);
        // newer Qwen templates have these marks around XML (<function=…>), which is another form
        return new(Has(ReasoningBegin) || Has(ReasoningEnd), Has("tools") && Has(CallBegin) && Has("arguments") && !Has("<function="));
    }
}
