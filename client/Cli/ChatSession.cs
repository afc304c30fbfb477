using System.Text.Json.Nodes;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text;

namespace SmolCluster.Cli;

/// <param name="MaxTokens">Null: as many as the context holds.</param>
internal sealed record ChatSettings(SamplingOptions Sampling, int? MaxTokens);

/// <summary>One conversation with a model in this process. A question without a whole answer (stopped, or too long for the
/// context) stays out of the history only if nothing was answered, so the template always sees turns in order.</summary>
internal sealed class ChatSession(IChatModel model, ChatSettings settings)
{
    private readonly List<(string Role, string Content)> _turns = [];
    private readonly int? _maxTokens = settings.MaxTokens;

    public ModelCard Card => model.Card;

    /// <summary>Null or empty: none.</summary>
    public string? System { get; set; }

    /// <summary>Whether the model thinks before it answers; null: as its template has it.</summary>
    public bool? Thinks { get; set; }

    /// <summary>Of the next questions.</summary>
    public SamplingOptions Sampling { get; set; } = settings.Sampling;

    public string LastAnswer => _turns.LastOrDefault(static turn => turn.Role == "assistant").Content ?? "";

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
    public async Task<string> AskAsync(string question, Action<string> show, CancellationToken cancellation)
    {
        int[] prompt = model.EncodeChat(Context(question));
        int room = Card.ContextLength - prompt.Length;
        if (room < 1)
            throw new CommandFailure($"the conversation has {prompt.Length} tokens, the context {Card.ContextLength}: /clear starts a new one");
        int maxTokens = Math.Min(_maxTokens ?? room, room);
        Generation generation = model.Submit(new GenerationRequest(prompt, prompt.Length, maxTokens, Sampling, "terminal"));
        using CancellationTokenRegistration stopping = cancellation.Register(generation.Cancel);
        var answer = new Answer(show);
        (PromptTokens, CompletionTokens) = (prompt.Length, 0);
        string reason = "length";
        try
        {
            await foreach (int token in generation.Tokens.ReadAllAsync(cancellation))
            {
                CompletionTokens++;
                if (model.EndsAnswer(token))
                    reason = "stop";
                else
                    answer.Append(model.VisibleBytes(token));
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            reason = "cancelled";
        }

        _turns.Add(("user", question));
        _turns.Add(("assistant", answer.Finish()));
        return reason;
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

    private sealed class Answer(Action<string> show)
    {
        private readonly Detokenizer _detokenizer = new();
        private readonly global::System.Text.StringBuilder _text = new();

        public void Append(ReadOnlySpan<byte> bytes) => Show(_detokenizer.Append(bytes));

        public string Finish()
        {
            Show(_detokenizer.Flush());
            return _text.ToString();
        }

        private void Show(string text)
        {
            if (text.Length == 0)
                return;
            _text.Append(text);
            show(text);
        }
    }
}
