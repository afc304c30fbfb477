using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text;

namespace SmolCluster.Answering;

/// <summary>How an answer's tokens are read.</summary>
/// <param name="Stops">Strings that end its text.</param>
/// <param name="MaxTokens">The most tokens that it can have.</param>
/// <param name="Tools">Whether the model was told of tools.</param>
/// <param name="OneCall">Whether it ends with its first call.</param>
/// <param name="Reasoning">Whether the prompt has begun its reasoning.</param>
/// <param name="Raw">Whether it continues a text, and has no parts.</param>
internal sealed record AnswerReading(
    IReadOnlyList<string> Stops, int MaxTokens, bool Tools = false, bool OneCall = false, bool Reasoning = false, bool Raw = false);

/// <summary>An answer's parts as a function of its tokens alone: whole characters, parted at the model's marks, the text cut by stop
/// strings, the reason it ends. Which token shows which piece depends on no clock and no batch, so whoever replays the tokens
/// stands exactly where the first one stood, with the same half of a character, of a mark and of a stop string in hand.</summary>
internal sealed class AnswerText(IChatModel model, AnswerReading reading)
{
    private readonly Detokenizer _detokenizer = new();
    private readonly AnswerParts _parts = new(reading.Raw ? AnswerForm.Plain : model.Form, reading.Tools, reading.Reasoning);
    private readonly StopMatcher _stops = new(reading.Stops);
    private readonly List<AnswerPart> _shown = [];
    private bool _called;

    /// <summary>Tokens taken.</summary>
    public int Count { get; private set; }

    /// <summary>Of these, those of reasoning.</summary>
    public int ReasoningCount { get; private set; }

    /// <summary>stop, length or tool_calls; null while there is more to come.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>The stop string that ended the answer, if one did.</summary>
    public string? StopSequence => _stops.Found;

    /// <summary>Whether another token can come; if none can and there is no reason yet, <see cref="End"/> gives it.</summary>
    public bool Open => FinishReason is null && Count < reading.MaxTokens;

    /// <summary>Whether what was taken last, and not shown, is text that is held back, and not reasoning, a call, or space around them.</summary>
    public bool InText => _parts.InText;

    /// <summary>What can be shown with this token; may be nothing. Valid until the next call.</summary>
    public IReadOnlyList<AnswerPart> Take(int token)
    {
        Count++;
        _shown.Clear();
        if (model.EndsAnswer(token)) return Ended("stop");
        if (_parts.InReasoning) ReasoningCount++;
        Show(_parts.Append(_detokenizer.Append(model.VisibleBytes(token))));
        if (_stops.Stopped) FinishReason = "stop";
        else if (reading.OneCall && _parts.CallEnded) FinishReason = "tool_calls";
        return _shown;
    }

    /// <summary>The tokens are used up. What was held back: an unfinished character, and what might have become a mark or a stop string.</summary>
    public IReadOnlyList<AnswerPart> End()
    {
        _shown.Clear();
        return Ended("length");
    }

    private List<AnswerPart> Ended(string reason)
    {
        Show(_parts.Append(_detokenizer.Flush()));
        Show(_parts.Flush());
        if (!_stops.Stopped) Add(new(PartKind.Text, _stops.Flush()));
        FinishReason = _stops.Stopped ? "stop" : reason == "stop" && _parts.Calls > 0 ? "tool_calls" : reason;
        return _shown;
    }

    private void Show(IReadOnlyList<AnswerPart> parts)
    {
        foreach (var part in parts)
        {
            if (_stops.Stopped || (reading.OneCall && (part.Call > 0 || (_called && part.Kind == PartKind.Text)))) return;
            _called |= part.Kind == PartKind.Call;
            if (part.Kind == PartKind.Text)
            {
                Add(part with { Text = _stops.Append(part.Text) });
                continue;
            }
            Add(new(PartKind.Text, _stops.Flush()));
            Add(part);
        }
    }

    private void Add(AnswerPart part)
    {
        if (part.Text.Length > 0 || part.Name is not null) _shown.Add(part);
    }
}
