using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using SmolCluster.Gateway;
using SmolCluster.Grains;

namespace SmolCluster.Processes.Tests.Deployment;

/// <summary>aspire/deploy/configuration.md, made from the options types and what their documentation says.</summary>
internal static partial class ConfigurationReference
{
    /// <summary>Variables that are no property of an options type: read while a host is composed, by Orleans, or by the telemetry's exporter.</summary>
    public static IReadOnlyList<(string Name, string Default, string Text)> Others { get; } =
    [
        ("SmolCluster__DataFolder", "", "Folder where a process that is a cluster of its own keeps conversations (smol serve). Not set: they live as long as the process."),
        ("SmolCluster__Tls__Certificate", "", "PEM file of the node's certificate, for mutual TLS between silos and gateways. All three, or none."),
        ("SmolCluster__Tls__Key", "", "PEM file of its key."),
        ("SmolCluster__Tls__Authority", "", "PEM file of the authority whose certificates make a node of this cluster."),
        ("Orleans__ClusterId", "", "The same for all nodes of a cluster; with another, a node is in another cluster."),
        ("Orleans__ServiceId", "", "Under this, storage keeps what outlives a cluster."),
        ("Orleans__Name", "a new one", "A silo's name, as people see it."),
        ("Orleans__Clustering__ProviderType", "Development", "Redis for a cluster of several machines. Development: a cluster on this machine."),
        ("Orleans__Clustering__ServiceKey", "", "Names the connection string: redis for ConnectionStrings__redis."),
        ("Orleans__GrainStorage__conversations__ProviderType", "", "Of silos. Redis: conversations and streams are kept there. Not set: in the cluster's memory."),
        ("Orleans__GrainStorage__conversations__ServiceKey", "", "Names the connection string."),
        ("Orleans__Endpoints__AdvertisedIPAddress", "127.0.0.1", "Of silos: the address at which the other nodes reach it."),
        ("Orleans__Endpoints__SiloPort", "11111", "Of silos, for silos."),
        ("Orleans__Endpoints__GatewayPort", "30000", "Of silos, for gateways."),
        ("Orleans__EnableDistributedTracing", "false", "Aspire sets it: Orleans then passes its own spans' contexts on. The cluster's spans do not need it."),
        ("ConnectionStrings__redis", "", "Of the Redis that a ServiceKey names, in StackExchange.Redis' form: host:port,password=…,ssl=true."),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "", "Where traces, metrics and logs go. Not set: nothing is collected."),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "grpc, or http/protobuf."),
        ("OTEL_EXPORTER_OTLP_HEADERS", "", "A key for the receiver, as it wants it."),
        ("OTEL_SERVICE_NAME", "", "What the node is called there."),
        ("OTEL_RESOURCE_ATTRIBUTES", "", "More about the node, key=value,…"),
        ("ASPNETCORE_URLS", "http://127.0.0.1:8080 of gateways", "Where a node listens for HTTP; --urls is the same."),
    ];

    private static readonly (Type Type, string Section, string Title)[] Sections =
    [
        (typeof(SmolClusterOptions), SmolClusterOptions.Section, "Silos: SmolCluster"),
        (typeof(GatewayOptions), GatewayOptions.Section, "Gateways: Gateway"),
    ];

    /// <summary>Whether a node reads a variable.</summary>
    public static bool Knows(string variable) => Others.Any(other => other.Name == variable)
        || Sections.SelectMany(static section => Rows(section.Type, section.Section)).Any(row => Regex.IsMatch(variable, Pattern(row.Name)));

    public static string Markdown()
    {
        var page = new StringBuilder("""
            # Configuration

            Environment variables of silos and gateways; `:` in place of `__` in a file of settings or, with `--` before, in an argument. Generated from the
            options types: `tests/Processes/Deployment/ConfigurationReference.cs` says how. A wrong value ends the program with one message that names it.

            """);
        foreach (var (type, section, title) in Sections)
            Table(page, title, Rows(type, section));
        Table(page, "Both: cluster, storage, telemetry", Others);
        return page.ToString().ReplaceLineEndings("\n");
    }

    private static void Table(StringBuilder page, string title, IEnumerable<(string Name, string Default, string Text)> rows)
    {
        page.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n| variable | default | what it is |\n|---|---|---|\n");
        foreach (var (name, standard, text) in rows)
            page.Append(CultureInfo.InvariantCulture, $"| `{name}` | {(standard.Length > 0 ? $"`{standard}`" : "")} | {text} |\n");
    }

    private static IEnumerable<(string Name, string Default, string Text)> Rows(Type type, string prefix)
    {
        object defaults = Activator.CreateInstance(type)!;
        foreach (PropertyInfo property in type.GetProperties())
        {
            string name = $"{prefix}__{property.Name}";
            if (property.PropertyType.IsGenericType && property.PropertyType.GetGenericArguments() is [{ IsClass: true } item] && item != typeof(string))
                foreach (var row in Rows(item, $"{name}__0"))
                    yield return row;
            else
                yield return (name + Suffix(property.PropertyType), Text(property.GetValue(defaults)), Summary(property));
        }
    }

    private static string Suffix(Type type) => typeof(IDictionary).IsAssignableFrom(type) ? "__NAME"
        : type != typeof(string) && typeof(IEnumerable).IsAssignableFrom(type) ? "__0" : "";

    private static string Text(object? value) => value is null or IEnumerable and not string ? "" : Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private static string Pattern(string name) => "^" + name.Replace("__0", "__[0-9]+", StringComparison.Ordinal).Replace("__NAME", "__.+", StringComparison.Ordinal) + "$";

    private static string Summary(PropertyInfo property)
    {
        string file = Path.Combine(AppContext.BaseDirectory, property.DeclaringType!.Assembly.GetName().Name + ".xml");
        XElement member = XDocument.Load(file).Descendants("member").SingleOrDefault(member => (string?)member.Attribute("name") == $"P:{property.DeclaringType.FullName}.{property.Name}")
            ?? throw new InvalidOperationException($"{property.DeclaringType.Name}.{property.Name} says nothing about itself.");
        foreach (XElement reference in member.Descendants("see").ToList())
            reference.ReplaceWith(((string)reference.Attribute("cref")!).Split('.')[^1]);
        return Spaces().Replace(member.Element("summary")!.Value, " ").Trim().Replace("|", "\\|", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
