using System.Globalization;
using System.Text;
using System.Text.Json;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>Writes shapes as expressions.</summary>
/// <param name="value">A value under conditions.</param>
internal sealed class ShapeGrammar(JsonGrammar json, Matcher matcher, SchemaTexts texts, ShapeReader reader, Func<Conditions, Expression> value)
{
    private readonly ShapeProofs _proofs = new(reader, texts);

    private ExpressionPool Pool => json.Pool;

    public Expression Write(Shape shape)
    {
        Require(shape);
        if (shape.Values is not null) return WriteValues(shape);
        List<Expression> types = [];
        if (shape.Types.HasFlag(JsonTypes.Null) && !Excludes(shape, JsonValueKind.Null)) types.Add(Pool.Literal("null"u8));
        if (shape.Types.HasFlag(JsonTypes.Boolean) && !Excludes(shape, JsonValueKind.True)) types.Add(Pool.Literal("true"u8));
        if (shape.Types.HasFlag(JsonTypes.Boolean) && !Excludes(shape, JsonValueKind.False)) types.Add(Pool.Literal("false"u8));
        if ((shape.Types & JsonTypes.Number) != 0) types.Add(Number(shape));
        if (shape.Types.HasFlag(JsonTypes.String)) types.Add(texts.String(shape));
        if (shape.Types.HasFlag(JsonTypes.Array)) types.Add(Array(shape));
        if (shape.Types.HasFlag(JsonTypes.Object)) types.Add(new ObjectGrammar(json, matcher, texts, reader, _proofs, value).Write(shape));
        return Pool.Choice(types);
    }

    private static bool Excludes(Shape shape, JsonValueKind kind) => shape.Excluded.Exists(v => v.ValueKind == kind);

    private static void Require(Shape shape)
    {
        foreach (JsonElement excluded in shape.Excluded)
        {
            bool possible = (shape.Types & ShapeProofs.TypeOf(excluded)) != 0 && shape.Values is null;
            if (possible && excluded.ValueKind is JsonValueKind.Number or JsonValueKind.Array or JsonValueKind.Object)
                throw new ConstraintException("excluding single numbers, arrays or objects (not with enum or const, or oneOf) is not supported.");
        }
    }

    private Expression WriteValues(Shape shape)
    {
        bool composite = shape.Values!.Exists(static v => v.ValueKind is JsonValueKind.Array or JsonValueKind.Object);
        bool conditions = shape.Properties.Count + shape.Required.Count + shape.Prefix.Count + shape.PatternProperties.Count + shape.MinItems + shape.MinProperties > 0
            || shape.Items.Nodes.Length + shape.Additional.Nodes.Length + shape.Names.Nodes.Length > 0;
        if (composite && conditions) throw new ConstraintException("an enum of arrays or objects with conditions on them beside it is not supported.");
        Expression scalars = Write(shape with { Values = null, Types = shape.Types & ~(JsonTypes.Array | JsonTypes.Object) });
        IEnumerable<byte[]> written = shape.Values
            .Where(v => (shape.Types & ShapeProofs.TypeOf(v)) != 0 && !shape.Excluded.Exists(e => JsonElement.DeepEquals(e, v)))
            .SelectMany(v => Spellings(v).Select(text => (Value: v, Text: text)))
            .Where(v => v.Value.ValueKind is JsonValueKind.Array or JsonValueKind.Object || matcher.Step(scalars, v.Text).Nullable)
            .Select(static v => v.Text);
        return texts.OneOf(written.DistinctBy(Encoding.UTF8.GetString));
    }

    // a number also as the schema spells it: 2.0 is 2
    private IEnumerable<byte[]> Spellings(JsonElement element) => element.ValueKind == JsonValueKind.Number
        ? [Compact(element), Encoding.UTF8.GetBytes(element.GetRawText())] : [Compact(element)];

    private byte[] Compact(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => SchemaTexts.Literal(element.GetString()!),
        JsonValueKind.Number when element.TryGetDecimal(out decimal number) => Encoding.ASCII.GetBytes(number.ToString("0.############################", CultureInfo.InvariantCulture)),
        JsonValueKind.Array => [(byte)'[', .. Joined(element.EnumerateArray().Select(Compact)), (byte)']'],
        JsonValueKind.Object => [(byte)'{', .. Joined(element.EnumerateObject().Select(p => (byte[])[.. SchemaTexts.Literal(p.Name), (byte)':', (byte)' ', .. Compact(p.Value)])), (byte)'}'],
        _ => Encoding.UTF8.GetBytes(element.GetRawText()),
    };

    private static byte[] Joined(IEnumerable<byte[]> parts) => [.. parts.SelectMany(static (part, i) => i == 0 ? part : (byte[])[(byte)',', (byte)' ', .. part])];

    private Expression Number(Shape shape)
    {
        bool bounded = shape.Least is not null || shape.Most is not null;
        Expression integers = bounded ? json.Numbers.Between(matcher, shape.Least, shape.Most, integers: true) : json.Numbers.Integer;
        return (shape.Types & JsonTypes.Number) switch
        {
            JsonTypes.Integer => integers,
            JsonTypes.Number => bounded ? json.Numbers.Between(matcher, shape.Least, shape.Most, integers: false) : json.Numbers.Any,
            _ => bounded ? matcher.All(json.Numbers.Between(matcher, shape.Least, shape.Most, integers: false), json.Numbers.Fractional) : json.Numbers.Fractional,
        };
    }

    private Expression Array(Shape shape) => shape.MaxItems < shape.MinItems ? Pool.Fail
        : json.Array([.. shape.Prefix.Select(value)], value(shape.Items), shape.MinItems, shape.MaxItems);
}
