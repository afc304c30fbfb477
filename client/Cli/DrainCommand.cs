using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace SmolCluster.Cli;

/// <summary><c>smol drain SILO</c>: has a silo leave its cluster, as the button of the cluster's page does, and waits until it is gone.
/// Exit code 0 only then.</summary>
internal static class DrainCommand
{
    private const string KeyVariable = "SMOL_KEY";
    private const int DefaultLimit = 120;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static Command Create()
    {
        var silo = new Argument<string>("SILO") { Description = "Its name, as the cluster's page shows it" };
        Argument<string> url = ServerAddress.Argument();
        var key = new Option<string?>("--key") { Description = $"An API key with the scope admin (default: what {KeyVariable} holds)", HelpName = "KEY" };
        var yes = new Option<bool>("--yes") { Description = "Do not ask first" };
        var limit = new Option<int?>("--timeout") { Description = $"Seconds to wait for its end (default: {DefaultLimit}); the silo leaves all the same", HelpName = "SECONDS" };
        NodeSwitches.AtLeastOne(limit);
        var command = new SmolCommand("drain", "Have a silo leave its cluster: it takes nothing new, hands over what it does, and ends",
            "smol drain silo-2",
            "smol drain silo-2 https://chat.example --key sk-smol-… --yes")
        { silo, url, key, yes, limit };
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetRequiredValue(silo), new Uri(parsed.GetRequiredValue(url)),
            parsed.GetValue(key) ?? Environment.GetEnvironmentVariable(KeyVariable), parsed.GetValue(yes),
            TimeSpan.FromSeconds(parsed.GetValue(limit) ?? DefaultLimit), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(string name, Uri url, string? key, bool sure, TimeSpan limit, CancellationToken cancellation)
    {
        using var server = new ServerCalls(url, key);
        Cluster cluster = await ViewAsync(server, url, cancellation);
        if (!cluster.MayDrain)
            throw new CommandFailure(key is not null ? $"{url}: this key may not drain a silo: it takes one with the scope admin (smol keys add NAME --scope admin)"
                : $"{url} lets nobody but people on its own machine drain a silo while it has no API keys: run smol drain there");
        Silo silo = Find(cluster, name, url);
        if (!sure && !Confirmed(cluster, silo))
            throw new CommandFailure($"{name} was not drained: answer 'yes', or say --yes");
        Check(await server.PostAsync($"/v1/cluster/silos/{Uri.EscapeDataString(name)}/drain", JsonSerializer.Serialize(new { confirm = name }), cancellation), url);
        await GoneAsync(server, url, silo, isLast: cluster.Active.Count == 1, limit, cancellation);
        Console.Out.WriteLine($"{name} is gone");
        return 0;
    }

    private static Silo Find(Cluster cluster, string name, Uri url) => cluster.Active.FirstOrDefault(silo => silo.Name == name)
        ?? throw new CommandFailure($"there is no active silo '{name}' at {url}; there are: {string.Join(", ", cluster.Active.Select(static silo => silo.Name))}");

    /// <summary>Asked on standard error, so that a pipe may answer.</summary>
    private static bool Confirmed(Cluster cluster, Silo silo)
    {
        string last = cluster.Active.Count == 1 ? " It is the last one: nobody answers any more after it." : "";
        Console.Error.Write($"Drain {silo.Name} ({silo.Address}, {Work(silo)})? It hands over what it does, and its process ends.{last} [yes/no] ");
        string? answer = Console.In.ReadLine();
        if (Console.IsInputRedirected)
            Console.Error.WriteLine();
        return answer?.Trim().ToUpperInvariant() is "Y" or "YES";
    }

    /// <summary>Returns when the silo is no member any more; a line tells of each change until then.</summary>
    private static async Task GoneAsync(ServerCalls server, Uri url, Silo silo, bool isLast, TimeSpan limit, CancellationToken cancellation)
    {
        string shown = "";
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < limit; await Task.Delay(Interval, cancellation))
        {
            if (await LookAsync(server, url, silo, isLast, cancellation) is not { } now)
                return;
            if (now != shown)
                Console.Error.WriteLine(shown = now);
        }

        throw new CommandFailure($"{silo.Name} is still there after {limit.TotalSeconds} seconds; it goes on leaving, and smol status and the cluster's page tell how far it is");
    }

    /// <returns>What it does now; null: it is gone.</returns>
    private static async Task<string?> LookAsync(ServerCalls server, Uri url, Silo silo, bool isLast, CancellationToken cancellation)
    {
        try
        {
            Cluster cluster = await ViewAsync(server, url, cancellation);
            return cluster.Silos.FirstOrDefault(silo.IsSame) is { } found ? $"{found.Name}: {found.Status}, {Work(found)}" : null;
        }
        catch (Exception silence) when (silence is NoAnswer or CommandFailure)
        {
            // with its last silo a cluster cannot tell any more; a gateway in the silo's process goes with it
            return isLast ? null : silence.Message;
        }
    }

    private static async Task<Cluster> ViewAsync(ServerCalls server, Uri url, CancellationToken cancellation)
    {
        string body = Check(await server.GetAsync("/v1/cluster", cancellation), url);
        try
        {
            if (JsonSerializer.Deserialize<Cluster>(body, s_json) is { Silos: not null } cluster)
                return cluster;
        }
        catch (JsonException)
        {
            // told below
        }

        throw new CommandFailure($"{url}: what answers there is no gateway of SmolCluster");
    }

    private static string Check((HttpStatusCode Status, string Body) answer, Uri url) => (int)answer.Status is >= 200 and < 300 ? answer.Body
        : throw new CommandFailure($"{url}: {ServerCalls.ErrorIn(answer.Body) ?? $"it answers {(int)answer.Status}"}"
            + (answer.Status == HttpStatusCode.Unauthorized ? $" (--key KEY, or {KeyVariable} in the environment)" : ""));

    private static string Work(Silo silo) => (silo.Models ?? []) switch
    {
        { Count: 0 } => "tells of no models",
        var models => $"{models.Sum(static model => model.Running)} answers run, {models.Sum(static model => model.Waiting)} wait",
    };

    private sealed record Cluster(bool MayDrain, IReadOnlyList<Silo> Silos)
    {
        public IReadOnlyList<Silo> Active => [.. Silos.Where(static silo => silo.Status == "Active")];
    }

    private sealed record Silo(string Name, string Address, string Status, long StartedAt, IReadOnlyList<Model>? Models)
    {
        /// <summary>Another process may come up under the same name while this one leaves.</summary>
        public bool IsSame(Silo other) => other.Name == Name && other.Address == Address && other.StartedAt == StartedAt;
    }

    private sealed record Model(int Running, int Waiting);
}
