using System.Text;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>For templates that show an assistant's content only, like SmolLM3's: its earlier tool calls are put into the content as
/// the model itself wrote them, or it would read answers to calls that it never made. The marks are scaffold, what is between them is not.</summary>
internal static class CallsInContent
{
    /// <param name="calls">As in a message's tool_calls.</param>
    public static TextValue Write(Rendering rendering, string content, ListValue calls)
    {
        var text = new StringBuilder(content);
        var changes = new List<int>();
        foreach (Value call in calls.Items)
        {
            if (changes.Count == 0 && content.Length > 0)
                changes.Add(text.Length);
            text.Append(text.Length > 0 ? "\n" : "").Append(AnswerForm.CallBegin).Append('\n');
            changes.Add(text.Length);
            text.Append(JsonWriter.Write(rendering, Function(call), JsonLayout.Default).Content);
            changes.Add(text.Length);
            text.Append('\n').Append(AnswerForm.CallEnd);
            Rendering.CheckTextLength(text.Length);
        }
        return new TextValue(text.ToString(), startsAsScaffold: content.Length == 0, [.. changes]);
    }

    private static MapValue Function(Value call)
    {
        var function = (call as MapValue)?.Find("function") as MapValue ?? call as MapValue
            ?? throw new TemplateFault("a message's tool_calls must hold objects");
        var written = new MapValue();
        foreach (string name in (ReadOnlySpan<string>)["name", "arguments"])
            written.Set(new TextValue(name, isScaffold: false), function.Find(name) ?? NoneValue.Instance);
        return written;
    }
}
