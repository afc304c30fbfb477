using System.Text;

namespace SmolCluster.Engine.Text;

/// <summary>SentencePiece's BPE over whole texts (Llama 2, Mistral): the text's characters are merged, always the neighbours whose
/// joint token has the highest score and of those the leftmost, until no neighbours make a token; what is no token then goes by its
/// bytes. Spaces are part of tokens, and a text begins with one that it does not have. O(n log n). Thread-safe.</summary>
/// <param name="scores">[vocabulary]</param>
/// <param name="beginsWithSpace">Whether a space is put in front of each text, also behind a special token.</param>
internal sealed class SentencePieceEncoder(Vocabulary vocabulary, float[] scores, bool beginsWithSpace)
{
    private const int None = -1;

    /// <summary>Appends the text's tokens. Half a surrogate pair counts as U+FFFD.</summary>
    public void Encode(ReadOnlySpan<char> text, List<int> output)
    {
        if (text.IsEmpty)
            return;
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        bytes[0] = (byte)' ';
        int length = 1 + Encoding.UTF8.GetBytes(Unmarked(text), bytes.AsSpan(1)), start = beginsWithSpace ? 0 : 1;
        Symbol[] symbols = Characters(bytes.AsSpan(start, length - start));
        Merge(bytes.AsSpan(start, length - start), symbols);
        for (int at = 0; at != None; at = symbols[at].Next)
        {
            ReadOnlySpan<byte> piece = bytes.AsSpan(start + symbols[at].Start, symbols[at].Length);
            int token = vocabulary.FindNormal(piece);
            if (token >= 0)
            {
                output.Add(token);
                continue;
            }

            foreach (byte value in piece)
                output.Add(vocabulary.ByteToken(value));
        }
    }

    /// <summary>A space's mark that somebody wrote is a space to the model.</summary>
    private static ReadOnlySpan<char> Unmarked(ReadOnlySpan<char> text) =>
        text.Contains(Vocabulary.SpaceMark) ? text.ToString().Replace(Vocabulary.SpaceMark, ' ') : text;

    private static Symbol[] Characters(ReadOnlySpan<byte> bytes)
    {
        var symbols = new List<Symbol>(bytes.Length);
        for (int at = 0; at < bytes.Length;)
        {
            int length = bytes[at] switch { < 0x80 => 1, < 0xE0 => 2, < 0xF0 => 3, _ => 4 };
            symbols.Add(new Symbol { Start = at, Length = length, Previous = symbols.Count - 1, Next = symbols.Count + 1 });
            at += length;
        }

        Symbol[] all = [.. symbols];
        all[^1].Next = None;
        return all;
    }

    private void Merge(ReadOnlySpan<byte> bytes, Symbol[] symbols)
    {
        var pairs = new PriorityQueue<(int Left, int Right, int Length), (float, int)>();
        for (int i = 0; i + 1 < symbols.Length; i++)
            Offer(bytes, symbols, i, pairs);
        while (pairs.TryDequeue(out (int Left, int Right, int Length) pair, out _))
        {
            ref Symbol left = ref symbols[pair.Left], right = ref symbols[pair.Right];
            // a pair whose parts were merged otherwise in the meantime is passed over
            if (left.Length == 0 || right.Length == 0 || left.Length + right.Length != pair.Length)
                continue;
            left.Length = pair.Length;
            right.Length = 0;
            left.Next = right.Next;
            if (left.Next != None)
            {
                symbols[left.Next].Previous = pair.Left;
                Offer(bytes, symbols, pair.Left, pairs);
            }

            if (left.Previous != None)
                Offer(bytes, symbols, left.Previous, pairs);
        }
    }

    private void Offer(ReadOnlySpan<byte> bytes, Symbol[] symbols, int left, PriorityQueue<(int Left, int Right, int Length), (float, int)> pairs)
    {
        int right = symbols[left].Next, length = symbols[left].Length + symbols[right].Length;
        int token = vocabulary.FindNormal(bytes.Slice(symbols[left].Start, length));
        if (token >= 0)
            pairs.Enqueue((left, right, length), (-scores[token], left));
    }

    /// <summary>A part of the text: its bytes and the indices of its neighbours; merged into its left one where it has no length.</summary>
    private struct Symbol
    {
        public int Start, Length, Previous, Next;
    }
}
