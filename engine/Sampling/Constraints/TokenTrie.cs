namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>Tokens by their bytes: those that begin alike share the way there, so that a byte that is not allowed rules out all
/// tokens behind it at once. Nodes lie in the order in which a walk visits them. Immutable.</summary>
internal sealed class TokenTrie
{
    private readonly byte[] _bytes;
    private readonly ushort[] _depths;    // from 1
    private readonly int[] _ends;         // the node after all that lie behind this one
    private readonly int[] _tokens;       // -1: none ends here
    private readonly byte[] _characters;  // of the longest token behind this node, at most 255
    private readonly Dictionary<int, int> _alike = []; // token → another of the same bytes, as SentencePiece has for its single bytes

    /// <param name="tokens">None empty.</param>
    public TokenTrie(IReadOnlyList<(byte[] Bytes, int Token)> tokens)
    {
        (byte[] Bytes, int Token)[] sorted = [.. tokens];
        Array.Sort(sorted, static (a, b) => a.Bytes.AsSpan().SequenceCompareTo(b.Bytes));
        int nodes = 0;
        byte[] last = [];
        foreach ((byte[] bytes, _) in sorted)
        {
            nodes += bytes.Length - bytes.AsSpan().CommonPrefixLength(last);
            last = bytes;
        }
        (_bytes, _depths, _ends, _tokens, _characters) = (new byte[nodes], new ushort[nodes], new int[nodes], new int[nodes], new byte[nodes]);
        Array.Fill(_tokens, -1);
        Deepest = sorted.Select(static t => t.Bytes.Length).DefaultIfEmpty().Max();
        Fill(sorted);
    }

    public int NodeCount => _bytes.Length;

    /// <summary>Bytes of the longest token.</summary>
    public int Deepest { get; }

    /// <summary>Sets the bits of the tokens that may follow the state, without those of at most <paramref name="known"/>
    /// characters, if all of these are known to be allowed.</summary>
    public void Walk(Expression state, MaskWalk walk, int known = 0)
    {
        Expression fail = walk.Matcher.Pool.Fail;
        Expression[] path = walk.Path(Deepest + 1);
        path[0] = state;
        for (int node = 0; node < _bytes.Length;)
        {
            int depth = _depths[node];
            Expression next = _characters[node] <= known ? fail : walk.Step(path[depth - 1], _bytes[node]);
            if (next == fail)
            {
                node = _ends[node];
                continue;
            }
            path[depth] = next;
            for (int token = _tokens[node]; token >= 0; token = _alike.Count > 0 ? _alike.GetValueOrDefault(token, -1) : -1) walk.Allow(token);
            node++;
        }
    }

    private void Fill((byte[] Bytes, int Token)[] sorted)
    {
        int[] path = new int[Deepest];
        int node = 0, open = 0;
        byte[] last = [];
        foreach ((byte[] bytes, int token) in sorted)
        {
            int common = bytes.AsSpan().CommonPrefixLength(last);
            for (; open > common; open--) _ends[path[open - 1]] = node;
            byte characters = (byte)Math.Clamp(bytes.Count(static b => (b & 0xC0) != 0x80), 1, 255);
            for (int i = 0; i < common; i++) _characters[path[i]] = Math.Max(_characters[path[i]], characters);
            for (; open < bytes.Length; open++, node++)
            {
                (path[open], _bytes[node], _depths[node], _characters[node]) = (node, bytes[open], (ushort)(open + 1), characters);
            }
            if (_tokens[node - 1] >= 0) _alike[token] = _tokens[node - 1];
            _tokens[node - 1] = token;
            last = bytes;
        }
        for (; open > 0; open--) _ends[path[open - 1]] = node;
    }
}
