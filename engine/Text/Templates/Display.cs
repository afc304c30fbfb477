using System.Globalization;
using System.Text;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>str(): a value as text. Where a list or mapping is written out, the result is scaffold only if every text in it is.</summary>
internal static class Display
{
    public static TextValue Of(Rendering rendering, Value value)
    {
        if (value is TextValue text)
            return text;
        if (value is ListValue or MapValue && rendering.Style == TextStyle.Json)
            return JsonWriter.Write(rendering, value, JsonLayout.Default);
        var writer = new Writer(rendering);
        writer.Append(value, isQuoted: false);
        return rendering.Text(writer.Output.ToString(), writer.IsScaffold);
    }

    /// <summary>repr(): texts quoted.</summary>
    public static TextValue Quoted(Rendering rendering, Value value)
    {
        var writer = new Writer(rendering);
        writer.Append(value, isQuoted: true);
        return rendering.Text(writer.Output.ToString(), writer.IsScaffold);
    }

    private sealed class Writer(Rendering rendering)
    {
        public StringBuilder Output { get; } = new();

        public bool IsScaffold { get; private set; } = true;

        public void Append(Value value, bool isQuoted)
        {
            rendering.Charge();
            switch (value)
            {
                case TextValue text:
                    AppendText(text, isQuoted);
                    break;
                case ListValue list:
                    AppendList(list);
                    break;
                case MapValue map:
                    AppendMap(map);
                    break;
                default:
                    Output.Append(Simple(rendering, value, isQuoted));
                    break;
            }
        }

        private void AppendText(TextValue text, bool isQuoted)
        {
            Rendering.CheckTextLength((long)Output.Length + text.Content.Length);
            IsScaffold &= text.IsScaffold;
            if (isQuoted)
                PythonText.AppendQuoted(Output, text.Content);
            else
                Output.Append(text.Content);
        }

        private void AppendList(ListValue list)
        {
            Output.Append(list.IsTuple ? '(' : '[');
            for (int i = 0; i < list.Items.Count; i++)
            {
                Output.Append(i == 0 ? "" : ", ");
                Append(list.Items[i], isQuoted: true);
            }
            Output.Append(list.IsTuple ? (list.Items.Count == 1 ? ",)" : ")") : "]");
        }

        private void AppendMap(MapValue map)
        {
            Output.Append('{');
            for (int i = 0; i < map.Count; i++)
            {
                Output.Append(i == 0 ? "" : ", ");
                Append(map.Entries[i].Key, isQuoted: true);
                Output.Append(": ");
                Append(map.Entries[i].Value, isQuoted: true);
            }
            Output.Append('}');
        }
    }

    private static string Simple(Rendering rendering, Value value, bool isQuoted) => value switch
    {
        NoneValue => "None",
        UndefinedValue => isQuoted ? "Undefined" : "",
        BooleanValue boolean when rendering.Style == TextStyle.Json => boolean.IsTrue ? "true" : "false",
        BooleanValue boolean => boolean.IsTrue ? "True" : "False",
        IntegerValue integer => integer.Number.ToString(CultureInfo.InvariantCulture),
        FloatValue number => PythonText.Float(number.Number),
        CallableValue function => $"<function {function.Name}>",
        NamespaceValue => "<namespace>",
        _ => $"<{value.TypeName}>",
    };
}
