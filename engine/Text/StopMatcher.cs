using System.Text;

namespace SmolCluster.Engine.Text;

/// <summary>Cuts streamed text before the first stop string. Text that may be the beginning of a stop string is held back.
/// <para>The answer ends at the first character that completes a stop string; where two complete at once, the longer one
/// counts. So where the text is cut depends on the text alone, not on how it arrived in pieces, and no further token has
/// to be generated to know it. Each stop string is followed by a Knuth-Morris-Pratt automaton: its state is the length
/// of the longest suffix of the text that begins the string, and the longest state is exactly what must be held back.
/// Time is linear in the text, whatever the strings. One instance serves one stream; not thread-safe.</para></summary>
public sealed class StopMatcher
{
    private readonly string[] _stops;
    private readonly int[][] _borders;
    private readonly int[] _states;
    private readonly StringBuilder _held = new();

    /// <param name="stops">Compared by UTF-16 unit, case and all. None: everything passes.</param>
    /// <exception cref="ArgumentException">A stop string is null, empty, or has half a surrogate pair.</exception>
    public StopMatcher(IReadOnlyList<string> stops)
    {
        ArgumentNullException.ThrowIfNull(stops);
        _stops = [.. stops];
        for (int i = 0; i < _stops.Length; i++)
        {
            if (string.IsNullOrEmpty(_stops[i])) throw new ArgumentException($"Stop string {i} is empty; it would end every answer at once.", nameof(stops));
            if (!IsWellFormed(_stops[i])) throw new ArgumentException($"Stop string {i} has half a surrogate pair, which text never has.", nameof(stops));
        }
        _borders = Array.ConvertAll(_stops, Borders);
        _states = new int[_stops.Length];
    }

    /// <summary>True once a stop string was found; nothing more is emitted after.</summary>
    public bool Stopped { get; private set; }

    /// <summary>The stop string that was found; null: none so far.</summary>
    public string? Found { get; private set; }

    /// <summary>The text that can be shown now.</summary>
    public string Append(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (Stopped) return "";
        if (_stops.Length == 0) return text;
        for (int i = 0; i < text.Length; i++)
        {
            int completed = Advance(text[i]);
            if (completed == 0) continue;
            Stopped = true;
            _held.Append(text, 0, i + 1);
            Found = _held.ToString(_held.Length - completed, completed);
            return Release(_held.Length - completed);
        }
        _held.Append(text);
        return Release(_held.Length - _states.Max());
    }

    /// <summary>What was held back, when the stream ends without a stop string.</summary>
    public string Flush() => Stopped ? "" : Release(_held.Length);

    /// <summary>Moves every automaton by one character; the length of the longest stop string it completes, or 0.</summary>
    private int Advance(char next)
    {
        int completed = 0;
        for (int i = 0; i < _stops.Length; i++)
        {
            string stop = _stops[i];
            int state = _states[i];
            while (state > 0 && stop[state] != next) state = _borders[i][state];
            if (stop[state] == next) state++;
            _states[i] = state;
            if (state == stop.Length) completed = Math.Max(completed, state);
        }
        return completed;
    }

    private string Release(int length)
    {
        string shown = _held.ToString(0, length);
        _held.Remove(0, length);
        if (!Stopped && _held.Length == 0) Array.Clear(_states);
        return shown;
    }

    /// <summary>[length]: for each proper prefix length, the longest shorter prefix that is also its suffix.</summary>
    private static int[] Borders(string stop)
    {
        int[] borders = new int[stop.Length];
        int border = 0;
        for (int i = 1; i < stop.Length - 1; i++)
        {
            while (border > 0 && stop[border] != stop[i]) border = borders[border];
            if (stop[border] == stop[i]) border++;
            borders[i + 1] = border;
        }
        return borders;
    }

    private static bool IsWellFormed(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return false;
            i++;
        }
        return true;
    }
}
