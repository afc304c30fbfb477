using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text;

namespace SmolCluster.Grains;

/// <summary>An answer's text as a function of its tokens alone: whole characters, cut by stop strings, the reason it ends. Which
/// token shows which text depends on no clock and no batch, so whoever replays the tokens stands exactly where the first one
/// stood, with the same half of a character and the same half of a stop string in hand.</summary>
/// <param name="maxTokens">The most tokens that the answer can have.</param>
internal sealed class AnswerText(IChatModel model, IReadOnlyList<string> stops, int maxTokens)
{
    private readonly Detokenizer _detokenizer = new();
    private readonly StopMatcher _stops = new(stops);

    /// <summary>Tokens taken.</summary>
    public int Count { get; private set; }

    /// <summary>stop or length; null while there is more to come.</summary>
    public string? FinishReason { get; private set; }

    /// <summary>Whether another token can come; if none can and there is no reason yet, <see cref="End"/> gives it.</summary>
    public bool Open => FinishReason is null && Count < maxTokens;

    /// <summary>The text that can be shown with this token; may be empty.</summary>
    public string Take(int token)
    {
        Count++;
        if (model.EndsAnswer(token)) return Ended("stop");
        var shown = _stops.Append(_detokenizer.Append(model.VisibleBytes(token)));
        if (_stops.Stopped) FinishReason = "stop";
        return shown;
    }

    /// <summary>The tokens are used up. What was held back: an unfinished character, and what might have become a stop string.</summary>
    public string End() => Ended("length");

    private string Ended(string reason)
    {
        var shown = _stops.Append(_detokenizer.Flush());
        FinishReason = _stops.Stopped ? "stop" : reason;
        return _stops.Stopped ? shown : shown + _stops.Flush();
    }
}
