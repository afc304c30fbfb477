using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace SmolCluster.Cli;

/// <summary><c>smol status</c>: what a running server, gateway or silo says of itself. Exit code 0 when a question would be answered
/// now, 1 when not.</summary>
internal static class StatusCommand
{
    public static Command Create()
    {
        Argument<string> url = ServerAddress.Argument();
        var json = new Option<bool>("--json") { Description = "The answer of /health/ready as it is" };
        var command = new SmolCommand("status", "Ask a running server which models answer",
            "smol status",
            "smol status http://gateway.example:8080 --json",
            "until smol status > /dev/null; do sleep 1; done")
        { url, json };
        command.SetAction((parsed, cancellation) => RunAsync(new Uri(parsed.GetRequiredValue(url)), parsed.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(Uri url, bool json, CancellationToken cancellation)
    {
        using var server = new ServerCalls(url);
        (_, string text) = await server.GetAsync("/health/ready", cancellation);
        Health health;
        try
        {
            health = JsonSerializer.Deserialize<Health>(text, JsonSerializerOptions.Web) ?? new Health(null, null, null);
        }
        catch (JsonException)
        {
            health = new Health(null, null, null);
        }

        if (health.Status is null)
            throw new CommandFailure($"{url}: what answers there is no SmolCluster");
        if (json)
            Console.Out.WriteLine(text);
        else
            Show(health);
        return health.Status == "ready" ? 0 : CommandLine.Failed;
    }

    private static void Show(Health health)
    {
        Console.Out.WriteLine(health.Problem is { } problem ? $"{health.Status}: {problem}" : health.Status);
        if (health.Models is not { Count: > 0 } models)
            return;
        Table table = new Table().Border(TableBorder.Simple).AddColumns("Model", "State", "Loaded", "Problem");
        foreach (Model model in models)
            table.AddRow(new Text(model.Id ?? "?"), new Text(model.State ?? "?"), new Text(model.Progress.ToString("P0", CultureInfo.InvariantCulture)), new Text(model.Problem ?? ""));
        Terminal.Out.Write(table);
    }

    private sealed record Health(string? Status, IReadOnlyList<Model>? Models, string? Problem);

    private sealed record Model(string? Id, string? State, double Progress, string? Problem);
}
