using System.Text;

namespace SmolCluster.Engine.Text;

/// <summary>Byte-level BPE of one word: its bytes are merged, always the pair of lowest rank and of those the leftmost, until
/// no neighbours have a merge. A linked list of symbols and a queue of candidate pairs make that O(n log n), so that a
/// megabyte without a space costs its length and not its square. Thread-safe; <see cref="Scratch"/> is not.</summary>
/// <param name="ignoresMerges">Whether a word that is a token is taken whole even if no merges lead there.</param>
internal sealed class BytePairEncoder(Vocabulary vocabulary, MergeTable merges, bool ignoresMerges)
{
    private const byte Unknown = 0, Reached = 1, Missed = 2;

    // [vocabulary]: whether merging a token's own bytes gives the token back; found out at its first use. Threads may find
    // it out twice, with the same outcome.
    private readonly byte[] _wholes = new byte[vocabulary.Length];

    /// <summary>Appends the word's tokens. Half a surrogate pair counts as U+FFFD.</summary>
    public void Encode(ReadOnlySpan<char> word, List<int> output, Scratch scratch)
    {
        ReadOnlySpan<byte> bytes = scratch.Utf8(word);
        int whole = vocabulary.FindNormal(bytes);
        if (whole >= 0 && (ignoresMerges || _wholes[whole] == Reached))
        {
            output.Add(whole);
            return;
        }
        Merge(bytes, scratch);
        int count = output.Count;
        for (int at = 0; at >= 0; at = scratch.Symbols[at].Next) output.Add(scratch.Symbols[at].Token);
        if (whole >= 0 && _wholes[whole] == Unknown) _wholes[whole] = output.Count - count == 1 ? Reached : Missed;
    }

    private void Merge(ReadOnlySpan<byte> bytes, Scratch scratch)
    {
        Symbol[] symbols = scratch.Room(bytes.Length);
        for (int i = 0; i < bytes.Length; i++)
            symbols[i] = new Symbol { Token = vocabulary.ByteToken(bytes[i]), Previous = i - 1, Next = i + 1 < bytes.Length ? i + 1 : -1 };
        for (int i = 0; i + 1 < bytes.Length; i++) Offer(i, scratch);
        while (scratch.Pairs.TryDequeue(out Pair pair, out long priority))
        {
            int left = (int)(uint)priority;
            int right = symbols[left].Next;
            // a pair whose parts were merged otherwise in the meantime is passed over
            if (symbols[left].Token != pair.Left || right < 0 || symbols[right].Token != pair.Right) continue;
            int next = symbols[right].Next;
            symbols[left].Token = pair.Merged;
            symbols[left].Next = next;
            symbols[right].Token = Symbol.Gone;
            if (next >= 0)
            {
                symbols[next].Previous = left;
                Offer(left, scratch);
            }
            if (symbols[left].Previous >= 0) Offer(symbols[left].Previous, scratch);
        }
    }

    private void Offer(int left, Scratch scratch)
    {
        int first = scratch.Symbols[left].Token, second = scratch.Symbols[scratch.Symbols[left].Next].Token;
        if (merges.TryFind(first, second, out Merge merge))
            scratch.Pairs.Enqueue(new Pair(first, second, merge.Token), (long)merge.Rank << 32 | (uint)left);
    }

    /// <summary>Working memory of one caller, reused from word to word.</summary>
    public sealed class Scratch
    {
        private byte[] _utf8 = new byte[256];

        public Symbol[] Symbols { get; private set; } = new Symbol[64];

        /// <summary>By rank, then from the left; the low half of the priority is the left symbol's index.</summary>
        public PriorityQueue<Pair, long> Pairs { get; } = new();

        public ReadOnlySpan<byte> Utf8(ReadOnlySpan<char> word)
        {
            int length = Encoding.UTF8.GetByteCount(word);
            if (length > _utf8.Length) _utf8 = new byte[length];
            return _utf8.AsSpan(0, Encoding.UTF8.GetBytes(word, _utf8));
        }

        public Symbol[] Room(int length) => length <= Symbols.Length ? Symbols : Symbols = new Symbol[Math.Max(length, 2 * Symbols.Length)];
    }

    /// <summary>A part of the word: a token and the indices of its neighbours, -1 at the ends.</summary>
    public struct Symbol
    {
        public const int Gone = -2;
        public int Token, Previous, Next;
    }

    public readonly record struct Pair(int Left, int Right, int Merged);
}
