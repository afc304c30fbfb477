using System.Collections.Frozen;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>A filter: <paramref name="input"/> is what stands before the bar.</summary>
internal delegate Value Filter(Interpreter interpreter, Value input, Arguments arguments);

/// <summary>Filters by name. Those of Jinja2 that need randomness, files or HTML are left out.</summary>
internal static class Filters
{
    private static readonly FrozenDictionary<string, Filter> ByName =
        TextFilters.All.Concat(NumberFilters.All).Concat(SequenceFilters.All).Concat(SelectionFilters.All).Concat(OrderFilters.All)
            .ToFrozenDictionary(StringComparer.Ordinal);

    public static bool Exists(string name) => ByName.ContainsKey(name);

    public static Value Apply(Interpreter interpreter, string name, Value input, Arguments arguments) =>
        ByName.TryGetValue(name, out Filter? filter)
            ? filter(interpreter, input, arguments)
            : throw new TemplateFault($"there is no filter '{name}'; there are {string.Join(", ", ByName.Keys.Order(StringComparer.Ordinal))}");
}
