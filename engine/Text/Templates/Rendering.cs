namespace SmolCluster.Engine.Text.Templates;

/// <summary>One rendering's settings and what it may still use.</summary>
internal sealed class Rendering(TextStyle style, DateTimeOffset now)
{
    private long steps;

    public TextStyle Style => style;

    public DateTimeOffset Now => now;

    public void Charge(long count = 1)
    {
        steps += count;
        if (steps > TemplateLimits.Steps)
            throw new TemplateFault($"the template takes more than {TemplateLimits.Steps} steps");
    }

    /// <summary>Work that looks at or makes every character of a text.</summary>
    public void ChargeText(long length)
    {
        CheckTextLength(length);
        Charge(1 + (length >> 6));
    }

    /// <summary>Before the memory is taken.</summary>
    public static void CheckTextLength(long length)
    {
        if (length > TemplateLimits.TextLength)
            throw new TemplateFault($"a text grows beyond {TemplateLimits.TextLength} characters");
    }

    public TextValue Text(string content, bool isScaffold)
    {
        ChargeText(content.Length);
        return new TextValue(content, isScaffold);
    }
}
