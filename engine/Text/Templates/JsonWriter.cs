using System.Globalization;
using System.Text;

namespace SmolCluster.Engine.Text.Templates;

/// <param name="Indent">Null: one line.</param>
internal sealed record JsonLayout(string? Indent, string ItemSeparator, string KeySeparator, bool EscapesNonAscii, bool SortsKeys)
{
    public static JsonLayout Default { get; } = new(null, ", ", ": ", EscapesNonAscii: false, SortsKeys: false);
}

/// <summary>tojson: what Python's json.dumps writes, without the escapes for HTML that Jinja's own filter adds. The result is
/// scaffold only if every text in the value is.</summary>
internal sealed class JsonWriter
{
    private readonly Rendering rendering;
    private readonly JsonLayout layout;
    private readonly StringBuilder output = new();
    private bool isScaffold = true;

    private JsonWriter(Rendering rendering, JsonLayout layout) => (this.rendering, this.layout) = (rendering, layout);

    public static TextValue Write(Rendering rendering, Value value, JsonLayout layout)
    {
        var writer = new JsonWriter(rendering, layout);
        writer.Append(value, 0);
        return rendering.Text(writer.output.ToString(), writer.isScaffold);
    }

    private void Append(Value value, int level)
    {
        rendering.Charge();
        Rendering.CheckTextLength(output.Length);
        switch (value)
        {
            case TextValue text:
                AppendText(text);
                break;
            case ListValue list:
                AppendAll(list.Items, '[', ']', level, item => Append(item, level + 1));
                break;
            case MapValue map:
                AppendAll(Order(map), '{', '}', level, entry => AppendEntry(entry, level));
                break;
            default:
                output.Append(Scalar(value));
                break;
        }
    }

    private IReadOnlyList<KeyValuePair<Value, Value>> Order(MapValue map) =>
        layout.SortsKeys ? Sorting.Sort(rendering, map.Entries, (a, b) => Operators.Compare(rendering, a.Key, b.Key)) : map.Entries;

    private void AppendAll<T>(IReadOnlyList<T> items, char open, char close, int level, Action<T> append)
    {
        output.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            output.Append(i == 0 ? "" : layout.ItemSeparator);
            AppendLine(level + 1);
            append(items[i]);
        }
        if (items.Count > 0)
            AppendLine(level);
        output.Append(close);
    }

    private void AppendLine(int level)
    {
        if (layout.Indent is null)
            return;
        Rendering.CheckTextLength((long)output.Length + ((long)layout.Indent.Length * level));
        output.Append('\n');
        for (int i = 0; i < level; i++)
            output.Append(layout.Indent);
    }

    private void AppendEntry(KeyValuePair<Value, Value> entry, int level)
    {
        if (entry.Key is TextValue text)
            AppendText(text);
        else
            output.Append('"').Append(Scalar(entry.Key)).Append('"');
        output.Append(layout.KeySeparator);
        Append(entry.Value, level + 1);
    }

    private static string Scalar(Value value) => value switch
    {
        NoneValue or UndefinedValue => "null",
        BooleanValue boolean => boolean.IsTrue ? "true" : "false",
        IntegerValue integer => integer.Number.ToString(CultureInfo.InvariantCulture),
        FloatValue number when double.IsNaN(number.Number) => "NaN",
        FloatValue number when double.IsInfinity(number.Number) => number.Number > 0 ? "Infinity" : "-Infinity",
        FloatValue number => PythonText.Float(number.Number),
        _ => throw new TemplateFault($"{value.TypeName} cannot be written as JSON"),
    };

    private void AppendText(TextValue text)
    {
        Rendering.CheckTextLength((long)output.Length + text.Content.Length);
        isScaffold &= text.IsScaffold;
        output.Append('"');
        foreach (char c in text.Content)
            AppendCharacter(c);
        output.Append('"');
    }

    private void AppendCharacter(char c)
    {
        switch (c)
        {
            case '"' or '\\': output.Append('\\').Append(c); break;
            case '\n': output.Append("\\n"); break;
            case '\r': output.Append("\\r"); break;
            case '\t': output.Append("\\t"); break;
            case '\f': output.Append("\\f"); break;
            case '\b': output.Append("\\b"); break;
            default:
                if (c < ' ' || (layout.EscapesNonAscii && c > '~'))
                    output.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                else
                    output.Append(c);
                break;
        }
    }
}
