using System.Text;

namespace SmolCluster.Engine.Text;

/// <summary>Finds control and user-defined tokens in text: from the left, at each place the longest. A trie, so that text full
/// of beginnings costs no more than the depth of one token a character.</summary>
internal sealed class SpecialTokens
{
    /// <summary>Bytes of a special token's name: matching costs the longest name times the text.</summary>
    private const int LongestName = 256;

    private const int Root = 0;
    private readonly Dictionary<(int Node, char Next), int> _edges = [];
    private readonly List<int> _tokens = [-1];

    /// <param name="onlyBlank">Only user-defined tokens that are white space: no structure, but how some vocabularies write blank lines
    /// and indentation (Gemma's), whoever writes them.</param>
    public SpecialTokens(Vocabulary vocabulary, bool onlyBlank = false)
    {
        for (int id = 0; id < vocabulary.Length; id++)
        {
            if (vocabulary.Type(id) is not (TokenType.Control or TokenType.UserDefined)) continue;
            if (onlyBlank && (vocabulary.Type(id) == TokenType.Control || !string.IsNullOrWhiteSpace(Encoding.UTF8.GetString(vocabulary.Bytes(id))))) continue;
            if (vocabulary.Bytes(id).Length > LongestName)
                throw vocabulary.Fail("tokens", $"special token {id} has {vocabulary.Bytes(id).Length} bytes; expected at most {LongestName}.");
            Add(Encoding.UTF8.GetString(vocabulary.Bytes(id)), id);
        }
    }

    /// <summary>The first special token at or after <paramref name="start"/> that ends by <paramref name="end"/>.</summary>
    public bool TryFind(ReadOnlySpan<char> text, int start, int end, out SpecialMatch match)
    {
        for (int at = start; at < end; at++)
        {
            match = LongestAt(text[..end], at);
            if (match.Length > 0) return true;
        }
        match = default;
        return false;
    }

    /// <summary>The special token of this name, or null.</summary>
    public int? Find(string name) => LongestAt(name, 0) is { } match && match.Length == name.Length ? match.Token : null;

    private SpecialMatch LongestAt(ReadOnlySpan<char> text, int start)
    {
        SpecialMatch longest = default;
        int node = Root;
        for (int at = start; at < text.Length && _edges.TryGetValue((node, text[at]), out node); at++)
        {
            if (_tokens[node] >= 0) longest = new SpecialMatch(start, at + 1 - start, _tokens[node]);
        }
        return longest;
    }

    private void Add(string text, int id)
    {
        int node = Root;
        foreach (char c in text)
        {
            if (!_edges.TryGetValue((node, c), out int next))
            {
                next = _tokens.Count;
                _tokens.Add(-1);
                _edges.Add((node, c), next);
            }
            node = next;
        }
        _tokens[node] = id;
    }
}

/// <param name="Start">UTF-16 units from the text's beginning.</param>
/// <param name="Length">UTF-16 units.</param>
internal readonly record struct SpecialMatch(int Start, int Length, int Token);
