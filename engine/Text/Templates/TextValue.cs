namespace SmolCluster.Engine.Text.Templates;

/// <summary>A text that knows of each of its characters whether the template's author wrote it (scaffold) or it came with the
/// request. That is why a person cannot write a special token: the mark travels with the characters through slices,
/// replacements and concatenations, and where an operation loses track the whole result counts as the person's.
/// <para>The marks are the sorted offsets where they change: none for nearly every text.</para></summary>
internal sealed class TextValue : Value
{
    private readonly bool startsAsScaffold;
    private readonly int[] changes;
    private int codePoints = -1;

    public TextValue(string content, bool isScaffold)
        : this(content, isScaffold, [])
    {
    }

    /// <param name="changes">Ascending offsets inside the text at which the mark changes.</param>
    public TextValue(string content, bool startsAsScaffold, int[] changes)
    {
        Content = content;
        this.startsAsScaffold = startsAsScaffold || content.Length == 0;
        this.changes = changes;
    }

    public static TextValue Empty { get; } = new("", isScaffold: true);

    public string Content { get; }

    /// <summary>Every character is the template's own.</summary>
    public bool IsScaffold => startsAsScaffold && changes.Length == 0;

    public override string TypeName => "a text";

    public override bool IsTrue => Content.Length > 0;

    /// <summary>Length as Python counts it. UTF-16 and code points differ only where there are surrogate pairs.</summary>
    public int CodePoints => codePoints >= 0 ? codePoints : codePoints = CountCodePoints(Content);

    public bool HasPairs => CodePoints != Content.Length;

    public static int CountCodePoints(ReadOnlySpan<char> text)
    {
        int pairs = 0;
        for (int i = 0; i + 1 < text.Length; i++)
        {
            if (char.IsSurrogatePair(text[i], text[i + 1]))
            {
                pairs++;
                i++;
            }
        }
        return text.Length - pairs;
    }

    /// <summary>The runs of equal mark between two offsets.</summary>
    public IEnumerable<(int Start, int End, bool IsScaffold)> Runs(int start, int end)
    {
        int next = Array.BinarySearch(changes, start);
        next = next < 0 ? ~next : next + 1;
        bool mark = startsAsScaffold ^ (next % 2 == 1);
        while (start < end)
        {
            int stop = next < changes.Length ? Math.Min(changes[next], end) : end;
            yield return (start, stop, mark);
            (start, mark) = (stop, !mark);
            next++;
        }
    }

    public TextValue Slice(int start, int end)
    {
        if (start == 0 && end == Content.Length)
            return this;
        if (start >= end)
            return Empty;
        if (changes.Length == 0)
            return new TextValue(Content[start..end], startsAsScaffold);
        int first = Array.BinarySearch(changes, start);
        first = first < 0 ? ~first : first + 1;
        int last = Array.BinarySearch(changes, end);
        last = last < 0 ? ~last : last;
        return new TextValue(Content[start..end], startsAsScaffold ^ (first % 2 == 1), [.. changes[first..last].Select(at => at - start)]);
    }

    /// <summary>Another text in place of this one: each character keeps its mark where there are as many as before;
    /// otherwise all of it is scaffold only if all of this was.</summary>
    public TextValue With(string content) =>
        content.Length == Content.Length ? new TextValue(content, startsAsScaffold, changes) : new TextValue(content, IsScaffold);
}
