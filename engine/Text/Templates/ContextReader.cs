using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>The request's JSON as template values. No text in it is scaffold, but two kinds that no person writes: the special
/// tokens' own variables, and a message's role where it is one of a few known words; templates build tokens around it
/// (<c>'&lt;|' + role + '|&gt;'</c>), and the word alone is harmless.</summary>
/// <param name="callsAsContent">Whether an assistant's tool calls are put into its content, see <see cref="CallsInContent"/>.</param>
internal sealed class ContextReader(Rendering rendering, bool callsAsContent)
{
    private static readonly HashSet<string> KnownRoles = ["system", "developer", "user", "assistant", "tool", "function", "ipython"];

    public Dictionary<string, Value> Read(JsonObject context)
    {
        var variables = new Dictionary<string, Value>(StringComparer.Ordinal);
        foreach ((string name, JsonNode? node) in Entries(context))
            variables[name] = name == "messages" && node is JsonArray messages ? ReadMessages(messages) : ReadVariable(name, node);
        return variables;
    }

    private static Value ReadVariable(string name, JsonNode? node)
    {
        Value value = Read(node, 0);
        return value is TextValue text && ChatTemplate.TokenVariables.Contains(name) ? new TextValue(text.Content, isScaffold: true) : value;
    }

    private ListValue ReadMessages(JsonArray messages) =>
        new([.. messages.Select(node => node is JsonObject message ? ReadMessage(message) : Read(node, 1))]);

    private MapValue ReadMessage(JsonObject message)
    {
        var map = new MapValue();
        foreach ((string name, JsonNode? node) in Entries(message))
        {
            Value value = Read(node, 2);
            if (name == "role" && value is TextValue role)
                value = new TextValue(role.Content, KnownRoles.Contains(role.Content));
            map.Set(new TextValue(name, isScaffold: false), value);
        }
        if (callsAsContent && map.Find("tool_calls") is ListValue { Items.Count: > 0 } calls)
            map.Set(new TextValue("content", isScaffold: false), CallsInContent.Write(rendering, (map.Find("content") as TextValue)?.Content ?? "", calls));
        return map;
    }

    private static Value Read(JsonNode? node, int depth)
    {
        if (depth > TemplateLimits.ValueDepth)
            throw new TemplateFault($"the request nests more than {TemplateLimits.ValueDepth} levels deep");
        switch (node)
        {
            case null:
                return NoneValue.Instance;
            case JsonArray array:
                return new ListValue([.. array.Select(item => Read(item, depth + 1))]);
            case JsonObject entries:
                var map = new MapValue();
                foreach ((string name, JsonNode? item) in Entries(entries))
                    map.Set(new TextValue(name, isScaffold: false), Read(item, depth + 1));
                return map;
            default:
                return ReadScalar(node);
        }
    }

    private static Value ReadScalar(JsonNode node) => node.GetValueKind() switch
    {
        JsonValueKind.True => BooleanValue.True,
        JsonValueKind.False => BooleanValue.False,
        JsonValueKind.String => new TextValue(node.GetValue<string>(), isScaffold: false),
        JsonValueKind.Number => ReadNumber(node.ToJsonString()),
        _ => NoneValue.Instance,
    };

    private static Value ReadNumber(string digits)
    {
        if (digits.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
            return new FloatValue(double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture));
        // parsing takes quadratic time, so the length is checked first
        if (digits.Length > TemplateLimits.IntegerBits * 3 / 10)
            throw new TemplateFault($"the request has an integer of {digits.Length} digits");
        return new IntegerValue(BigInteger.Parse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
    }

    /// <summary>System.Text.Json finds a repeated key only when the object is first looked into.</summary>
    private static KeyValuePair<string, JsonNode?>[] Entries(JsonObject entries)
    {
        try
        {
            return [.. entries];
        }
        catch (ArgumentException)
        {
            throw new TemplateFault("the request has an object with the same key twice");
        }
    }
}
