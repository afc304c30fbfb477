using System.Text;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>Filters that make texts.</summary>
internal static class TextFilters
{
    public static IEnumerable<KeyValuePair<string, Filter>> All { get; } = new Dictionary<string, Filter>
    {
        ["string"] = (i, v, _) => Display.Of(i.Rendering, v),
        ["safe"] = (i, v, _) => Display.Of(i.Rendering, v),
        ["trim"] = (i, v, a) => TextOperations.Strip(i.Rendering, Display.Of(i.Rendering, v), a.Bind("trim", "chars")[0], atStart: true, atEnd: true),
        ["upper"] = (i, v, _) => TextOperations.Upper(i.Rendering, Display.Of(i.Rendering, v)),
        ["lower"] = (i, v, _) => TextOperations.Lower(i.Rendering, Display.Of(i.Rendering, v)),
        ["capitalize"] = (i, v, _) => TextOperations.Capitalize(i.Rendering, Display.Of(i.Rendering, v)),
        ["title"] = (i, v, _) => TextOperations.Title(i.Rendering, Display.Of(i.Rendering, v),
            static c => PythonText.IsSpace(c) || c is '-' or '(' or '{' or '[' or '<'),
        ["replace"] = Replace,
        ["join"] = Join,
        ["indent"] = Indent,
        ["tojson"] = ToJson,
        ["format"] = (i, v, a) => PercentFormat.Format(i.Rendering, Display.Of(i.Rendering, v), a.Positional),
        ["escape"] = Escape,
        ["e"] = Escape,
        ["forceescape"] = Escape,
        ["center"] = Center,
        ["wordcount"] = (i, v, _) => new IntegerValue(TextOperations.SplitWords(i.Rendering, Display.Of(i.Rendering, v), -1).Items.Count),
        ["truncate"] = Truncate,
        ["urlencode"] = UrlEncode,
        ["pprint"] = (i, v, _) => Display.Quoted(i.Rendering, v),
    };

    private static TextValue Replace(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value[] a = arguments.Require("replace", 2, "old", "new", "count");
        Rendering rendering = interpreter.Rendering;
        return TextOperations.Replace(rendering, Display.Of(rendering, input), Display.Of(rendering, a[0]), Display.Of(rendering, a[1]),
            Coerce.ToIndex(a[2], "a count", -1));
    }

    private static TextValue Join(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value?[] a = arguments.Bind("join", "d", "attribute");
        Rendering rendering = interpreter.Rendering;
        IReadOnlyList<Value> items = Coerce.ToItems(rendering, input);
        if (a[1] is { } attribute and not NoneValue)
            items = [.. items.Select(item => Lookup.Path(rendering, item, attribute))];
        return TextOperations.Join(rendering, a[0] is { } separator ? Display.Of(rendering, separator) : TextValue.Empty, items, onlyTexts: false);
    }

    private static TextValue Indent(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value?[] a = arguments.Bind("indent", "width", "first", "blank");
        Rendering rendering = interpreter.Rendering;
        TextValue margin = a[0] as TextValue
            ?? (TextValue)Arithmetic.Apply(rendering, "*", new TextValue(" ", isScaffold: true), new IntegerValue(Coerce.ToIndex(a[0], "a width", 4)));
        // Jinja appends a line end so that a last empty line counts
        TextValue text = new TextBuilder(rendering).Append(Display.Of(rendering, input)).Append("\n", scaffold: true).ToText();
        List<TextValue> lines = TextOperations.SplitLines(rendering, text, keepsEnds: false);
        var builder = new TextBuilder(rendering);
        for (int i = 0; i < lines.Count; i++)
        {
            bool isIndented = i == 0 ? Coerce.ToBoolean(a[1], false) : lines[i].Content.Length > 0 || Coerce.ToBoolean(a[2], false);
            builder.Append(i == 0 ? "" : "\n", scaffold: true).Append(isIndented ? margin : TextValue.Empty).Append(lines[i]);
        }
        return builder.ToText();
    }

    private static TextValue ToJson(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value?[] a = arguments.Bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
        string? indent = a[1] switch
        {
            null or NoneValue => null,
            TextValue text => text.Content,
            { } width => new string(' ', Math.Clamp(Coerce.ToIndex(width, "an indent"), 0, 1000)),
        };
        (string item, string key) = (indent is null ? ", " : ",", ": ");
        if (a[2] is ListValue { Items: [TextValue first, TextValue second] })
            (item, key) = (first.Content, second.Content);
        else if (a[2] is not null and not NoneValue)
            throw new TemplateFault("separators must be two texts");
        return JsonWriter.Write(interpreter.Rendering, input,
            new JsonLayout(indent, item, key, Coerce.ToBoolean(a[0], false), Coerce.ToBoolean(a[3], false)));
    }

    private static TextValue Escape(Interpreter interpreter, Value input, Arguments arguments) =>
        TextOperations.Map(interpreter.Rendering, Display.Of(interpreter.Rendering, input), static content => content
            .Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal).Replace("'", "&#39;", StringComparison.Ordinal)
            .Replace("\"", "&#34;", StringComparison.Ordinal));

    private static TextValue Center(Interpreter interpreter, Value input, Arguments arguments) =>
        TextOperations.Pad(interpreter.Rendering, Display.Of(interpreter.Rendering, input),
            Coerce.ToIndex(arguments.Bind("center", "width")[0], "a width", 80), new TextValue(" ", isScaffold: true), static padding => padding / 2);

    private static TextValue Truncate(Interpreter interpreter, Value input, Arguments arguments)
    {
        Value?[] a = arguments.Bind("truncate", "length", "killwords", "end", "leeway");
        Rendering rendering = interpreter.Rendering;
        TextValue text = Display.Of(rendering, input);
        rendering.ChargeText(text.Content.Length);
        TextValue end = a[2] is { } given ? Coerce.ToText(given, "an end") : new TextValue("...", isScaffold: true);
        int length = Coerce.ToIndex(a[0], "a length", 255);
        if (text.CodePoints <= (long)length + Coerce.ToIndex(a[3], "a leeway", 5))
            return text;
        TextValue cut = Lookup.Slice(text, 0, Math.Max(0, length - end.CodePoints));
        int lastBlank = cut.Content.LastIndexOf(' ');
        if (!Coerce.ToBoolean(a[1], false) && lastBlank >= 0)
            cut = cut.Slice(0, lastBlank);
        return new TextBuilder(rendering).Append(cut).Append(end).ToText();
    }

    private static TextValue UrlEncode(Interpreter interpreter, Value input, Arguments arguments)
    {
        TextValue text = Display.Of(interpreter.Rendering, input);
        interpreter.Rendering.ChargeText(text.Content.Length);
        var output = new StringBuilder();
        foreach (byte b in Encoding.UTF8.GetBytes(text.Content))
        {
            bool isPlain = char.IsAsciiLetterOrDigit((char)b) || b is (byte)'_' or (byte)'.' or (byte)'-' or (byte)'~' or (byte)'/';
            output.Append(isPlain ? ((char)b).ToString() : "%" + b.ToString("X2", System.Globalization.CultureInfo.InvariantCulture));
        }
        return interpreter.Rendering.Text(output.ToString(), text.IsScaffold);
    }
}
