using System.Text.Json;
using System.Text.RegularExpressions;
using SmolCluster.Chaos;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests.Deployment;

/// <summary>What aspire/AppHost wires, as Aspire itself wrote it down: aspire/AppHost/manifest.json, by
/// <c>dotnet run --project aspire/AppHost -- --publisher manifest --output-path manifest.json</c>. Aspire's packages are not
/// everywhere, the file is.</summary>
internal sealed partial class AppHostManifest
{
    private readonly JsonElement resources = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "manifest.json"))).RootElement.GetProperty("resources");

    public static string Folder { get; } = Path.Combine(TestData.RepositoryRoot, "aspire", "AppHost");

    public IReadOnlyList<string> Projects => [.. resources.EnumerateObject().Where(static one => one.Value.GetProperty("type").GetString() == "project.v0").Select(static one => one.Name)];

    /// <summary>Of a project's file.</summary>
    public string PathOf(string project) => Path.GetFullPath(Path.Combine(Folder, resources.GetProperty(project).GetProperty("path").GetString()!));

    /// <summary>The variables of a project, with what Aspire fills in when it runs them: the address of a Redis, a model, free ports.</summary>
    /// <exception cref="InvalidOperationException">Something else is to be filled in.</exception>
    public Dictionary<string, string> Variables(string project, string redis, string model)
    {
        var variables = resources.GetProperty(project).GetProperty("env").EnumerateObject()
            .Where(static one => !one.Name.StartsWith("REDIS_", StringComparison.Ordinal)) // for programs that know no connection string
            .ToDictionary(static one => one.Name, one => Filled(one.Value.GetString()!, redis, model));
        // published, a project listens on a port of its container; run, on loopback
        if (variables.Remove("HTTP_PORTS", out string? port))
            variables["ASPNETCORE_URLS"] = $"http://localhost:{port}";
        return variables;
    }

    private static string Filled(string value, string redis, string model) => Placeholder().Replace(value, place => place.Value switch
    {
        "{redis.connectionString}" => redis,
        "{model.value}" => model,
        _ when place.Value.EndsWith(".targetPort}", StringComparison.Ordinal) => $"{ClusterProcesses.FreePort()}",
        _ => throw new InvalidOperationException($"The manifest has {place.Value}, and nothing here to put there."),
    });

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Placeholder();
}
