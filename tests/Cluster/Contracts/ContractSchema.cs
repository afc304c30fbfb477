using System.Reflection;
using SmolCluster.Contracts;

namespace SmolCluster.Cluster.Tests.Contracts;

/// <summary>All that nodes send each other and keep in storage, as lines of text: types, their members by id, enums' values, grains' methods.
/// What a version wrote stays readable as long as every line of it is still there.</summary>
internal static class ContractSchema
{
    private static readonly Assembly[] Rooms = [typeof(ChatRequest).Assembly, typeof(Grains.ConversationState).Assembly];

    public static IReadOnlyList<Type> Types { get; } = [.. Rooms.SelectMany(static room => room.GetTypes())
        .Where(static type => type.GetCustomAttribute<GenerateSerializerAttribute>() is not null).OrderBy(Alias, StringComparer.Ordinal)];

    /// <summary>Records that can be made and have something in them. Exceptions are serialized in a way of their own.</summary>
    public static IEnumerable<Type> Records => Types.Where(static type => !type.IsEnum && !type.IsAbstract && !typeof(Exception).IsAssignableFrom(type) && Members(type).Any());

    public static string Alias(Type type) => type.GetCustomAttributes<AliasAttribute>(inherit: false).FirstOrDefault()?.Alias ?? type.FullName!;

    /// <summary>By id, those of base records first.</summary>
    public static IEnumerable<(string Line, PropertyInfo Property)> Members(Type type)
    {
        var inherited = type.BaseType is { } above && Types.Contains(above) ? Members(above) : [];
        return inherited.Concat(type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly)
            .Select(static property => (property.GetCustomAttribute<IdAttribute>()?.Id, Property: property))
            .Where(static member => member.Id is not null).OrderBy(static member => member.Id)
            .Select(member => ($"{Alias(type)} {member.Id} {member.Property.Name}: {Name(member.Property.PropertyType)}", member.Property)));
    }

    public static IEnumerable<string> Lines()
    {
        var records = Types.Where(static type => !type.IsEnum).SelectMany(static type => Members(type).Select(static member => member.Line));
        var enums = Types.Where(static type => type.IsEnum)
            .SelectMany(static type => Enum.GetNames(type).Select(name => $"{Alias(type)} {name} = {Convert.ToInt64(Enum.Parse(type, name))}"));
        var methods = Rooms.SelectMany(static room => room.GetTypes())
            .Where(static type => type.IsInterface && typeof(IAddressable).IsAssignableFrom(type))
            .SelectMany(static type => type.GetMethods().Select(method => $"{Alias(type)}.{method.GetCustomAttributes<AliasAttribute>().FirstOrDefault()?.Alias ?? method.Name}"
                + $"({string.Join(", ", method.GetParameters().Select(static parameter => Name(parameter.ParameterType)))}): {Name(method.ReturnType)}"));
        return records.Concat(enums).Concat(methods).Distinct().Order(StringComparer.Ordinal);
    }

    private static string Name(Type type) => Nullable.GetUnderlyingType(type) is { } value ? $"{Name(value)}?"
        : type.IsArray ? $"{Name(type.GetElementType()!)}[]"
        : type.IsGenericType ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
        : type.GetCustomAttributes<AliasAttribute>(inherit: false).FirstOrDefault()?.Alias ?? type.Name;
}
