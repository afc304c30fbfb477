using System.Text.Unicode;

namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>
/// A model's tokens, arranged for finding those that a state allows. Most tokens are plain text, and inside a string most states
/// allow all plain text of some length; these have their masks made beforehand, by length, and only the others are walked:
/// those that hold a quote, a backslash, a control character or a part of a character. (The idea of slices is llguidance's.)
/// Special tokens are spelled with <see cref="SpecialByte"/> before their name, which no text holds: only a constraint that names
/// one allows it. Immutable.
/// </summary>
public sealed class ConstraintVocabulary
{
    /// <summary>Never part of UTF-8.</summary>
    internal const byte SpecialByte = 0xFF;

    /// <summary>Characters up to which plain tokens are counted one by one.</summary>
    internal const int LongestPlain = 24;

    private readonly TokenTrie _plain, _other;
    private readonly byte[]?[] _spelled;
    private readonly ulong[][] _plainUpTo = new ulong[LongestPlain + 1][]; // [characters][vocabulary / 64]
    private readonly int[] _endings;
    private readonly HashSet<string> _specials = new(StringComparer.Ordinal);

    /// <param name="length">Token ids are below this.</param>
    /// <param name="bytes">A token's bytes; empty: it stands for no text.</param>
    /// <param name="isSpecial">Whether the bytes are a name rather than text.</param>
    /// <param name="endsAnswer">Whether it ends an answer.</param>
    public ConstraintVocabulary(int length, Func<int, byte[]> bytes, Func<int, bool> isSpecial, Func<int, bool> endsAnswer)
    {
        Length = length;
        _spelled = new byte[length][];
        _endings = [.. Enumerable.Range(0, length).Where(endsAnswer)];
        List<(byte[], int)> plain = [], other = [];
        for (int i = 0; i < _plainUpTo.Length; i++) _plainUpTo[i] = NewBits();
        for (int token = 0; token < length; token++)
        {
            byte[] text = bytes(token);
            if (text.Length == 0 || endsAnswer(token)) continue;
            if (isSpecial(token))
            {
                if (!_specials.Add(System.Text.Encoding.UTF8.GetString(text))) continue;
                text = [SpecialByte, .. text];
            }
            _spelled[token] = text;
            if (!IsPlain(text))
            {
                other.Add((text, token));
                continue;
            }
            plain.Add((text, token));
            for (int i = text.Count(static b => (b & 0xC0) != 0x80); i <= LongestPlain; i++) _plainUpTo[i][token >> 6] |= 1UL << (token & 63);
        }
        (_plain, _other) = (new TokenTrie(plain), new TokenTrie(other));
    }

    /// <summary>Token ids are below this.</summary>
    public int Length { get; }

    internal IReadOnlyList<int> Endings => _endings;

    /// <summary>Nodes to walk for plain tokens, and for the others.</summary>
    internal (int Plain, int Other) Nodes => (_plain.NodeCount, _other.NodeCount);

    internal bool HasSpecial(string name) => _specials.Contains(name);

    /// <summary>A token as matchers see it; empty: no constraint allows it.</summary>
    internal ReadOnlySpan<byte> Spelled(int token) => _spelled[token];

    /// <summary>The tokens that may follow a state.</summary>
    internal TokenMask Mask(Expression state, PlainText plain, int walkNumber, Expression[] path)
    {
        int known = plain.Reach(state, LongestPlain);
        MaskWalk walk = new(plain.Matcher, [.. _plainUpTo[known]], walkNumber, path);
        if (state.Nullable)
        {
            foreach (int ending in _endings) walk.Allow(ending);
        }
        _plain.Walk(state, walk, known);
        _other.Walk(state, walk);
        return new TokenMask(walk.Bits);
    }

    private ulong[] NewBits() => new ulong[(Length + 63) / 64];

    private static bool IsPlain(ReadOnlySpan<byte> text) => Utf8.IsValid(text) && !text.ContainsAny("\"\\"u8) && !text.ContainsAnyInRange((byte)0, (byte)0x1F);
}
