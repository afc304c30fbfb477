using System.Text;

namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>Text that goes on freely until a mark, such as &lt;/think&gt;: as a special token where the model has one of this
/// name, or letter by letter. The letters seen so far are a state of Knuth, Morris and Pratt's automaton, a rule each.</summary>
internal sealed class FreeText(ExpressionPool pool, ConstraintVocabulary vocabulary)
{
    /// <summary>The mark itself: the special token where there is one, else the letters.</summary>
    public Expression Mark(string name) => vocabulary.HasSpecial(name) ? Special(name) : pool.Literal(Encoding.UTF8.GetBytes(name));

    /// <param name="mayEnd">Whether the mark need not come.</param>
    /// <param name="after">What follows the mark.</param>
    public Expression Until(string mark, bool mayEnd, Expression after)
    {
        byte[] letters = Encoding.UTF8.GetBytes(mark);
        Rule[] seen = [.. letters.Select((_, i) => new Rule($"{i} letters of {mark}") { Nullable = mayEnd })];
        for (int state = 0; state < letters.Length; state++)
        {
            ByteSet others = ~ByteSet.Of(ConstraintVocabulary.SpecialByte);
            List<Expression> next = [pool.Sequence(Special(mark), after)];
            foreach (byte letter in letters.Distinct())
            {
                int to = Next(letters, state, letter);
                others &= ~ByteSet.Of(letter);
                next.Add(pool.Sequence(pool.Bytes(ByteSet.Of(letter)), to == letters.Length ? after : pool.Reference(seen[to])));
            }
            next.Add(pool.Sequence(pool.Bytes(others), pool.Reference(seen[0])));
            if (mayEnd) next.Add(pool.Empty);
            seen[state].Body = pool.Choice(next);
        }
        return pool.Reference(seen[0]);
    }

    private Expression Special(string name) => vocabulary.HasSpecial(name)
        ? pool.Literal([ConstraintVocabulary.SpecialByte, .. Encoding.UTF8.GetBytes(name)]) : pool.Fail;

    /// <summary>How many letters of the mark the text ends with, when one letter follows so many.</summary>
    private static int Next(byte[] letters, int seen, byte letter)
    {
        byte[] text = [.. letters[..seen], letter];
        int length = Math.Min(text.Length, letters.Length);
        while (!text.AsSpan(text.Length - length).SequenceEqual(letters.AsSpan(0, length))) length--;
        return length;
    }
}
