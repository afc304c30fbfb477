namespace SmolCluster.Engine.Text;

/// <summary>Which two neighbouring tokens become which one, and in what order of preference: the line of the file is the
/// rank, lower first. Checked: both parts and the whole are normal tokens, each pair occurs once.</summary>
internal sealed class MergeTable
{
    private readonly Dictionary<ulong, Merge> _merges;

    /// <param name="lines">Two tokens in the byte alphabet with a space between.</param>
    /// <exception cref="Gguf.GgufException">A line is not that.</exception>
    public MergeTable(Vocabulary vocabulary, IReadOnlyCollection<string> lines)
    {
        _merges = new(lines.Count);
        byte[] bytes = new byte[2 * vocabulary.LongestNormal];
        foreach (string line in lines) Add(vocabulary, _merges.Count, line, bytes);
    }

    public bool TryFind(int left, int right, out Merge merge) => _merges.TryGetValue(Key(left, right), out merge);

    private void Add(Vocabulary vocabulary, int rank, string line, byte[] bytes)
    {
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        if (space <= 0 || space == line.Length - 1 || line.IndexOf(' ', space + 1) >= 0)
            throw vocabulary.Fail("merges", $"merge {rank} is {Vocabulary.Shown(line)}; expected two tokens with one space between.");
        // the parts are written one after the other: together they are what the merge makes
        int left = Find(line.AsSpan(0, space), bytes.AsSpan());
        int right = left < 0 ? -1 : Find(line.AsSpan(space + 1), bytes.AsSpan(space));
        int whole = left < 0 || right < 0 ? -1 : vocabulary.FindNormal(bytes.AsSpan(0, line.Length - 1));
        if (whole < 0)
        {
            string unknown = left < 0 ? line[..space] : right < 0 ? line[(space + 1)..] : line.Remove(space, 1);
            throw vocabulary.Fail("merges", $"merge {rank} ({Vocabulary.Shown(line)}) needs {Vocabulary.Shown(unknown)}, which is no normal token of the vocabulary.");
        }
        if (!_merges.TryAdd(Key(left, right), new Merge(rank, whole)))
            throw vocabulary.Fail("merges", $"merge {rank} ({Vocabulary.Shown(line)}) stands there already with rank {_merges[Key(left, right)].Rank}; expected each once.");

        int Find(ReadOnlySpan<char> part, Span<byte> room) =>
            part.Length <= vocabulary.LongestNormal && ByteAlphabet.ToBytes(part, room) < 0 ? vocabulary.FindNormal(room[..part.Length]) : -1;
    }

    // one to one, since the factor is odd; without it the dictionary would hash a pair to left ^ right, all doubles to 0
    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32 | (uint)right) * 0x9E3779B97F4A7C15;
}

/// <param name="Rank">Lower merges first.</param>
/// <param name="Token">What the pair becomes.</param>
internal readonly record struct Merge(int Rank, int Token);
