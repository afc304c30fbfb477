using SmolCluster.Engine.Text;

namespace SmolCluster.Answering;

/// <summary>Parts an answer's text at the model's marks as it comes: reasoning, text, calls. What may become a mark is held back,
/// and so is white space that may stand before one, because around marks it belongs to nobody. Reasoning is only what an answer
/// begins with: a mark that the model writes about later is text.</summary>
/// <param name="form">The model's; a part that it does not have is never found.</param>
/// <param name="tools">Whether the model was told of tools; else calls are text.</param>
/// <param name="reasoning">Whether the prompt has begun the reasoning already.</param>
internal sealed class AnswerParts(AnswerForm form, bool tools, bool reasoning)
{
    private enum State { Begin, Reasoning, BeforeText, Text, Call, AfterCall }

    /// <summary>White space that is held back at most, so that a model that writes nothing else costs no more than one that does.</summary>
    private const int MostSpace = 256;

    private readonly bool _tools = tools && form.CallsTools;
    private readonly List<AnswerPart> _parts = [];
    private State _state = reasoning ? State.Reasoning : form.Reasons ? State.Begin : State.Text;
    private string _held = "";
    private bool _reasoned;
    private CallParser _call = new();

    public bool InReasoning => _state == State.Reasoning;

    /// <summary>Whether what is held back may be text.</summary>
    public bool InText => _state is State.Begin or State.Text;

    /// <summary>Calls that were ended, and the one that goes on.</summary>
    public int Calls { get; private set; }

    /// <summary>Whether a call was ended by its mark.</summary>
    public bool CallEnded { get; private set; }

    /// <summary>What the text makes sure of.</summary>
    public IReadOnlyList<AnswerPart> Append(string text)
    {
        _parts.Clear();
        if (text.Length == 0) return _parts;
        _held += text;
        while (Step()) ;
        return _parts;
    }

    /// <summary>The rest, when the text has ended.</summary>
    public IReadOnlyList<AnswerPart> Flush()
    {
        _parts.Clear();
        if (_state == State.Call)
        {
            EndCall(marked: false);
            _held = "";
        }
        Show(_held.Length);
        return _parts;
    }

    /// <summary>False: nothing more can be told from the text so far.</summary>
    private bool Step() => _state switch
    {
        State.Begin => Begin(),
        State.Reasoning => Reason(),
        State.BeforeText => Skip(State.Text),
        State.AfterCall => Skip(State.Text),
        State.Text when _tools => WriteText(),
        State.Text => Show(_held.Length),
        _ => Call(),
    };

    private bool Begin()
    {
        var trimmed = _held.AsSpan().TrimStart();
        if (trimmed.StartsWith(AnswerForm.ReasoningBegin))
            return Enter(State.Reasoning, _held.Length - trimmed.Length + AnswerForm.ReasoningBegin.Length);
        bool open = AnswerForm.ReasoningBegin.AsSpan().StartsWith(trimmed) && _held.Length < MostSpace;
        return !open && Enter(State.Text, 0);
    }

    private bool Reason()
    {
        if (!_reasoned) _held = _held.TrimStart();
        int end = _held.IndexOf(AnswerForm.ReasoningEnd, StringComparison.Ordinal);
        Show(end < 0 ? Sure(AnswerForm.ReasoningEnd) : _held.AsSpan(0, end).TrimEnd().Length);
        if (end < 0) return false;
        return Enter(State.BeforeText, _held.IndexOf(AnswerForm.ReasoningEnd, StringComparison.Ordinal) + AnswerForm.ReasoningEnd.Length);
    }

    private bool Skip(State next)
    {
        _held = _held.TrimStart();
        return _held.Length > 0 && Enter(next, 0);
    }

    private bool WriteText()
    {
        int call = _held.IndexOf(AnswerForm.CallBegin, StringComparison.Ordinal);
        Show(call < 0 ? Sure(AnswerForm.CallBegin) : _held.AsSpan(0, call).TrimEnd().Length);
        if (call < 0) return false;
        _call = new CallParser();
        return Enter(State.Call, _held.IndexOf(AnswerForm.CallBegin, StringComparison.Ordinal) + AnswerForm.CallBegin.Length);
    }

    /// <summary>A call ends at its mark, but for one in a string of its JSON.</summary>
    private bool Call()
    {
        var rest = _held.AsSpan();
        while (!rest.IsEmpty && (_call.InString || !AnswerForm.CallEnd.AsSpan().StartsWith(rest[..Math.Min(rest.Length, AnswerForm.CallEnd.Length)])))
        {
            _call.Append(rest[0]);
            rest = rest[1..];
        }
        _held = rest.ToString();
        Add(_call.Take());
        if (_held.Length < AnswerForm.CallEnd.Length) return false;
        EndCall(marked: true);
        return Enter(State.AfterCall, AnswerForm.CallEnd.Length);
    }

    /// <summary>What is between the marks and is no call stays what it is: text, marks and all.</summary>
    private void EndCall(bool marked)
    {
        if (!marked)
            foreach (char next in _held) _call.Append(next);
        Add(_call.End());
        if (_call.Name is null)
            _parts.Add(new(PartKind.Text, AnswerForm.CallBegin + _call.Raw + (marked ? AnswerForm.CallEnd : "")));
        else
        {
            Calls++;
            CallEnded |= marked;
        }
    }

    private void Add((string? Name, string Arguments) piece)
    {
        if (piece.Name is not null || piece.Arguments.Length > 0)
            _parts.Add(new(PartKind.Call, piece.Arguments, Calls, piece.Name));
    }

    private bool Enter(State next, int skip)
    {
        _state = next;
        _held = _held[skip..];
        return true;
    }

    /// <returns>False, for who has nothing more to tell.</returns>
    private bool Show(int length)
    {
        if (length == 0) return false;
        bool reasoning = _state == State.Reasoning;
        _reasoned |= reasoning;
        _parts.Add(new(reasoning ? PartKind.Reasoning : PartKind.Text, _held[..length]));
        _held = _held[length..];
        return false;
    }

    /// <summary>How much of what is held is neither the beginning of the mark nor the white space before one.</summary>
    private int Sure(string mark)
    {
        int begin = _held.Length - Math.Min(mark.Length - 1, _held.Length);
        while (!mark.AsSpan().StartsWith(_held.AsSpan(begin))) begin++;
        int sure = _held.AsSpan(0, begin).TrimEnd().Length;
        return begin - sure > MostSpace ? begin : sure;
    }
}
