using System.Text;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>Builds a text from pieces and keeps each character's mark (see <see cref="TextValue"/>); bounded.</summary>
internal sealed class TextBuilder(Rendering rendering)
{
    private readonly StringBuilder text = new();
    private readonly List<int> changes = [];
    private bool startsAsScaffold = true;
    private bool isScaffold = true;

    public TextBuilder Append(string piece, bool scaffold)
    {
        Mark(piece.Length, scaffold);
        text.Append(piece);
        return this;
    }

    public TextBuilder Append(TextValue piece) => Append(piece, 0, piece.Content.Length);

    public TextBuilder Append(TextValue piece, int start, int end)
    {
        foreach ((int from, int to, bool scaffold) in piece.Runs(start, end))
        {
            Mark(to - from, scaffold);
            text.Append(piece.Content, from, to - from);
        }
        return this;
    }

    public TextValue ToText()
    {
        rendering.ChargeText(text.Length);
        return text.Length == 0 ? TextValue.Empty : new TextValue(text.ToString(), startsAsScaffold, [.. changes]);
    }

    /// <summary>The runs of equal mark, none empty, neighbours different.</summary>
    public IReadOnlyList<PromptSegment> ToSegments()
    {
        TextValue whole = ToText();
        return [.. whole.Runs(0, whole.Content.Length).Select(run => new PromptSegment(whole.Content[run.Start..run.End], run.IsScaffold))];
    }

    private void Mark(int length, bool scaffold)
    {
        if (length == 0)
            return;
        Rendering.CheckTextLength((long)text.Length + length);
        if (text.Length == 0)
            startsAsScaffold = scaffold;
        else if (scaffold != isScaffold)
            changes.Add(text.Length);
        isScaffold = scaffold;
    }
}
