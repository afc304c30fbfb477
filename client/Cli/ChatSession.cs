using System.Text;
using System.Text.Json.Nodes;
using SmolCluster.Answering;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Sampling.Constraints;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Cli;

/// <param name="MaxTokens">Null: as many as the context holds.</param>
internal sealed record ChatSettings(SamplingOptions Sampling, int? MaxTokens)
{
    /// <summary>Whether a model's reasoning is kept apart from its answer; else it is shown as it comes, marks and all.</summary>
    public bool ReasoningApart { get; init; }

    /// <summary>What answers keep to; null: they are free.</summary>
    public ConstraintSource? Constraint { get; init; }
}

/// <summary>One conversation with a model in this process. A question without a whole answer (stopped, or too long for the
/// context) stays out of the history only if nothing was answered, so the template always sees turns in order.</summary>
internal sealed class ChatSession(IChatModel model, ChatSettings settings)
{
    private readonly List<(string Role, string Content)> _turns = [];

    public ModelCard Card => model.Card;

    /// <summary>Null or empty: none.</summary>
    public string? System { get; set; }

    /// <summary>Whether the model thinks before it answers; null: as its template has it.</summary>
    public bool? Thinks { get; set; }

    /// <summary>Of the next questions.</summary>
    public SamplingOptions Sampling { get; set; } = settings.Sampling;

    public string LastAnswer => _turns.LastOrDefault(static turn => turn.Role == "assistant").Content ?? "";

    /// <summary>What the model thought before its last answer, where that is kept apart.</summary>
    public string LastReasoning { get; private set; } = "";

    /// <summary>Of the last question, template and history included.</summary>
    public int PromptTokens { get; private set; }

    /// <summary>Of the last answer, the ending token included.</summary>
    public int CompletionTokens { get; private set; }

    public IReadOnlyList<(string Role, string Content)> Turns => _turns;

    public void Clear() => _turns.Clear();

    /// <summary>Takes the last question and its answer back and returns the question; null where there is none.</summary>
    public string? TakeBack()
    {
        if (_turns.Count < 2)
            return null;
        string question = _turns[^2].Content;
        _turns.RemoveRange(_turns.Count - 2, 2);
        return question;
    }

    /// <summary>Asks and hands over the answer as it comes, in whole characters.</summary>
    /// <param name="cancellation">Stops the answer; what came until then is kept.</param>
    /// <returns>stop, length or cancelled.</returns>
    /// <exception cref="CommandFailure">The conversation no longer fits into the context.</exception>
    /// <exception cref="ConstraintException">Answers cannot keep to what they should.</exception>
    public async Task<string> AskAsync(string question, Action<string> show, CancellationToken cancellation)
    {
        int[] prompt = model.EncodeChat(Context(question));
        int room = Card.ContextLength - prompt.Length;
        if (room < 1)
            throw new CommandFailure($"the conversation has {prompt.Length} tokens, the context {Card.ContextLength}: /clear starts a new one");
        int maxTokens = Math.Min(settings.MaxTokens ?? room, room);
        TokenConstraint? constraint = settings.Constraint is { } source ? model.Compile(source, prompt) : null;
        Generation generation = model.Submit(new GenerationRequest(prompt, prompt.Length, maxTokens, Sampling, "terminal") { Constraint = constraint });
        using CancellationTokenRegistration stopping = cancellation.Register(generation.Cancel);
        bool apart = settings.ReasoningApart;
        var reading = new AnswerText(model, new AnswerReading([], maxTokens, Reasoning: apart && ThinkingPlan.IsBegunBy(prompt, model), Raw: !apart));
        var answer = new Shown(show);
        bool cancelled = false;
        try
        {
            await foreach (int token in generation.Tokens.ReadAllAsync(cancellation))
                answer.Add(reading.Take(token));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            cancelled = true;
        }

        if (reading.FinishReason is null)
            answer.Add(reading.End());
        (PromptTokens, CompletionTokens, LastReasoning) = (prompt.Length, reading.Count, answer.Reasoning);
        _turns.Add(("user", question));
        _turns.Add(("assistant", answer.Text));
        return cancelled ? "cancelled" : reading.FinishReason!;
    }

    private JsonObject Context(string question)
    {
        IEnumerable<(string Role, string Content)> turns = [.. _turns, ("user", question)];
        if (!string.IsNullOrEmpty(System))
            turns = turns.Prepend(("system", System));
        var context = new JsonObject
        {
            ["messages"] = new JsonArray([.. turns.Select(static turn => new JsonObject { ["role"] = turn.Role, ["content"] = turn.Content })]),
        };
        if (Thinks is { } thinks)
            context["enable_thinking"] = thinks;
        return context;
    }

    private sealed class Shown(Action<string> show)
    {
        private readonly StringBuilder _text = new(), _reasoning = new();

        public string Text => _text.ToString();

        public string Reasoning => _reasoning.ToString();

        public void Add(IReadOnlyList<AnswerPart> parts)
        {
            foreach (AnswerPart part in parts)
            {
                (part.Kind == PartKind.Reasoning ? _reasoning : _text).Append(part.Text);
                if (part.Kind != PartKind.Reasoning)
                    show(part.Text);
            }
        }
    }
}
