using System.Numerics;

namespace SmolCluster.Engine.Serving;

/// <summary>
/// Guesses what a sequence says next from what it has said: where its last tokens stood before, what followed them there may
/// follow again. Texts that quote, summarise or edit their prompt are guessed well; of others nothing is lost but the guess.
/// How much it guesses follows from how much of the last guesses came true; after wrong ones it pauses, twice as long each time.
/// A pure function of one sequence's tokens. Source: Saxena 2023 (prompt lookup decoding).
/// </summary>
internal sealed class PromptLookup
{
    /// <summary>Tokens that must have stood together before.</summary>
    public const int Match = 3;

    /// <summary>Tokens a draft at most. Replayed over prose, code and edits of both, at a step that computes three to five tokens
    /// while it reads the weights, three to seven came out best, and more only cost.</summary>
    public const int Longest = 5;

    private const int FirstReach = 3;
    private const int LongestPause = 32;
    private const int SmallestTable = 256, LargestTable = 1 << 16;

    // [power of two] by a run's hash: the position after the run's latest occurrence, 0 for none. A later run with the same
    // hash takes the place: that costs a draft and no answer, so the table needs no chains and has a bound.
    private int[] _after = new int[SmallestTable];
    private int _indexed = Match;   // the runs that end before this position are in the table
    private int _reach = FirstReach;
    private int _pause, _quietUntil;

    /// <summary>Tokens worth drafting now; less than 1: none.</summary>
    public int Reach(int count) => count < _quietUntil ? 0 : _reach;

    /// <summary>Where to copy a draft from: the position after the latest run equal to the last <see cref="Match"/> tokens, or 0.</summary>
    /// <param name="tokens">All tokens known; only appended to since the last call.</param>
    public int Find(ReadOnlySpan<int> tokens)
    {
        if (tokens.Length < Match)
        {
            return 0;
        }

        Index(tokens);
        ReadOnlySpan<int> last = tokens[^Match..];
        int found = _after[Slot(last)];
        return found > 0 && tokens.Slice(found - Match, Match).SequenceEqual(last) ? found : 0;
    }

    /// <summary>Takes in how a draft went.</summary>
    /// <param name="drafted">At least 1.</param>
    /// <param name="accepted">How many of them, from the first, were drawn.</param>
    /// <param name="count">Tokens known after it.</param>
    public void Learn(int drafted, int accepted, int count)
    {
        _reach = accepted == drafted ? Math.Min(Longest, _reach * 2) : Math.Max(accepted + 1, _reach / 2);
        _pause = accepted > 0 ? 0 : Math.Clamp(_pause * 2, 1, LongestPause);
        _quietUntil = count + _pause;
    }

    // every run but the last one, which would only find itself
    private void Index(ReadOnlySpan<int> tokens)
    {
        if (tokens.Length * 2 > _after.Length && _after.Length < LargestTable)
        {
            _after = new int[Math.Min(LargestTable, (int)BitOperations.RoundUpToPowerOf2((uint)tokens.Length * 4))];
            _indexed = Match;
        }

        for (; _indexed < tokens.Length; _indexed++)
        {
            _after[Slot(tokens.Slice(_indexed - Match, Match))] = _indexed;
        }
    }

    private int Slot(ReadOnlySpan<int> run)
    {
        uint hash = 0;
        foreach (int token in run)
        {
            hash = (hash ^ (uint)token) * 0x9E3779B1;
        }

        return (int)(hash >> (32 - BitOperations.Log2((uint)_after.Length)));
    }
}
