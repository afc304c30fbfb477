using System.Collections.Frozen;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>What may follow <c>is</c>.</summary>
internal static class Predicates
{
    private delegate bool Predicate(Rendering rendering, Value value, Arguments arguments);

    private static readonly FrozenDictionary<string, Predicate> ByName = new Dictionary<string, Predicate>
    {
        ["defined"] = (_, v, _) => v is not UndefinedValue,
        ["undefined"] = (_, v, _) => v is UndefinedValue,
        ["none"] = (_, v, _) => v is NoneValue,
        ["boolean"] = (_, v, _) => v is BooleanValue,
        ["true"] = (_, v, _) => v == BooleanValue.True,
        ["false"] = (_, v, _) => v == BooleanValue.False,
        ["integer"] = (_, v, _) => v is IntegerValue,
        ["float"] = (_, v, _) => v is FloatValue,
        ["number"] = (_, v, _) => v is IntegerValue or FloatValue or BooleanValue,
        ["string"] = (_, v, _) => v is TextValue,
        ["mapping"] = (_, v, _) => v is MapValue,
        ["iterable"] = (_, v, _) => v is TextValue or ListValue or MapValue or UndefinedValue,
        ["sequence"] = (_, v, _) => v is TextValue or ListValue or MapValue or UndefinedValue,
        ["callable"] = (_, v, _) => v is CallableValue,
        ["sameas"] = (r, v, a) => IsSame(r, v, Other(a, "sameas")),
        ["in"] = (r, v, a) => Operators.Contains(r, Other(a, "in"), v),
        ["odd"] = (r, v, _) => Remainder(r, v, new IntegerValue(2)) is 1,
        ["even"] = (r, v, _) => Remainder(r, v, new IntegerValue(2)) is 0,
        ["divisibleby"] = (r, v, a) => Remainder(r, v, Other(a, "divisibleby")) is 0,
        ["lower"] = (r, v, _) => Seen(r, v) is var text && text.Any(char.IsLower) && !text.Any(char.IsUpper),
        ["upper"] = (r, v, _) => Seen(r, v) is var text && text.Any(char.IsUpper) && !text.Any(char.IsLower),
        ["escaped"] = (_, _, _) => false,
        ["filter"] = (_, v, _) => v is TextValue name && Filters.Exists(name.Content),
        ["test"] = (_, v, _) => v is TextValue name && Exists(name.Content),
        ["=="] = Relation("=="),
        ["eq"] = Relation("=="),
        ["equalto"] = Relation("=="),
        ["!="] = Relation("!="),
        ["ne"] = Relation("!="),
        ["<"] = Relation("<"),
        ["lt"] = Relation("<"),
        ["lessthan"] = Relation("<"),
        ["<="] = Relation("<="),
        ["le"] = Relation("<="),
        [">"] = Relation(">"),
        ["gt"] = Relation(">"),
        ["greaterthan"] = Relation(">"),
        [">="] = Relation(">="),
        ["ge"] = Relation(">="),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    // a text that is looked at whole
    private static string Seen(Rendering rendering, Value value)
    {
        string text = Display.Of(rendering, value).Content;
        rendering.ChargeText(text.Length);
        return text;
    }

    public static bool Test(Rendering rendering, string name, Value value, Arguments arguments) =>
        ByName.TryGetValue(name, out Predicate? predicate)
            ? predicate(rendering, value, arguments)
            : throw new TemplateFault($"there is no test '{name}'; there are {string.Join(", ", ByName.Keys.Order(StringComparer.Ordinal))}");

    private static bool Exists(string name) => ByName.ContainsKey(name);

    private static Value Other(Arguments arguments, string name) => arguments.Require($"the test '{name}'", 1, "other")[0];

    private static Predicate Relation(string relation) => (r, v, a) => Operators.Test(r, relation, v, Other(a, relation));

    private static bool IsSame(Rendering rendering, Value a, Value b) =>
        ReferenceEquals(a, b) || (a is IntegerValue or TextValue && a.GetType() == b.GetType() && Operators.AreEqual(rendering, a, b));

    private static double Remainder(Rendering rendering, Value value, Value divisor) => Coerce.AsNumber(value) is null
        ? throw new TemplateFault($"{Coerce.Name(value)} is no number")
        : Coerce.AsNumber(Arithmetic.Apply(rendering, "%", value, divisor)) ?? double.NaN;
}
