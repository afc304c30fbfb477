using System.Collections;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace SmolCluster.Cluster.Tests.Contracts;

/// <summary>Records with something else in every member, the same every time.</summary>
/// <param name="schema">Lines of the members that are filled: a version's. Others stay as they are made.</param>
internal sealed class ContractSample(IReadOnlySet<string> schema)
{
    private const int Deepest = 5;

    /// <summary>What is in a record, members that the version did not have left out.</summary>
    public string Tell(object record) => JsonSerializer.Serialize(Told(record));

    public object Make(Type type) => Make(type, 1, 0);

    private object Make(Type type, int number, int depth)
    {
        object record = RuntimeHelpers.GetUninitializedObject(Concrete(type));
        foreach (var (line, property) in ContractSchema.Members(record.GetType()).Where(member => schema.Contains(member.Line)))
            property.SetValue(record, Value(property.PropertyType, number++, depth + 1));
        return record;
    }

    private object? Value(Type type, int number, int depth) => Nullable.GetUnderlyingType(type) is { } value ? Value(value, number, depth)
        : type == typeof(string) ? $"text {number} ä🙂"
        : type == typeof(bool) ? true
        : type == typeof(Guid) ? new Guid(number, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11])
        : type == typeof(DateTimeOffset) ? new DateTimeOffset(2026, 11, 27, 12, number % 60, 0, TimeSpan.FromHours(1))
        : type.IsEnum ? Enum.GetValues(type).GetValue(number % Enum.GetValues(type).Length)
        : type.IsPrimitive ? Convert.ChangeType(number * 3, type)
        : type.IsArray ? Items(type.GetElementType()!, number, depth)
        : Item(type) is { } item ? Items(item, number, depth)
        : type.GetInterface(nameof(IDictionary)) is not null ? Pairs(type, number)
        : depth > Deepest ? null : Make(type, number, depth);

    private static Type? Item(Type type) => type.IsInterface && type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    private Array Items(Type item, int number, int depth)
    {
        int count = depth > Deepest && !item.IsPrimitive ? 0 : 2;
        var items = Array.CreateInstance(item, count);
        for (int index = 0; index < count; index++)
            items.SetValue(Value(item, number + index, depth + 1), index);
        return items;
    }

    private IDictionary Pairs(Type type, int number)
    {
        var pairs = (IDictionary)Activator.CreateInstance(type)!;
        Type[] of = type.GetGenericArguments();
        pairs.Add(Value(of[0], number, 0)!, Value(of[1], number + 1, 0));
        return pairs;
    }

    private static Type Concrete(Type type) => type.IsAbstract ? ContractSchema.Types.First(other => !other.IsAbstract && type.IsAssignableFrom(other)) : type;

    private object? Told(object? value) => value switch
    {
        null or string => value,
        IDictionary pairs => pairs.Keys.Cast<object>().ToDictionary(static key => $"{key}", key => Told(pairs[key])),
        IEnumerable items => items.Cast<object?>().Select(Told).ToArray(),
        _ when ContractSchema.Types.Contains(value.GetType()) && !value.GetType().IsEnum => ContractSchema.Members(value.GetType())
            .Where(member => schema.Contains(member.Line)).ToDictionary(static member => member.Line, member => Told(member.Property.GetValue(value))),
        _ => value,
    };
}
