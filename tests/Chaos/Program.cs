using System.CommandLine;
using SmolCluster.Chaos;

var runs = new Option<int>("--runs") { Description = "Answers whose silo or gateway is taken away in the middle", DefaultValueFactory = static _ => 12 };
var seed = new Option<int>("--seed") { Description = "Of questions, faults and moments", DefaultValueFactory = static _ => 1 };
var clients = new Option<int>("--clients") { Description = "Answers at the same time", DefaultValueFactory = static _ => 12 };
var scenario = new Option<string>("--scenario") { Description = "faults, restart, redis or rolling", DefaultValueFactory = static _ => "faults" };
var logs = new Option<string?>("--logs") { Description = "A folder that keeps the logs of all processes", HelpName = "FOLDER" };
scenario.AcceptOnlyFromAmong("faults", "restart", "redis", "rolling");
var command = new RootCommand("Takes processes of a real cluster away while clients read, and compares what they read with an undisturbed cluster's answers")
{
    runs, seed, clients, scenario, logs,
};
command.SetAction(async (parsed, cancellation) =>
{
    if (RedisServer.Missing is { } missing)
    {
        Console.Error.WriteLine(missing);
        return 3;
    }
    await using var cluster = new ClusterProcesses(parsed.GetValue(logs));
    await cluster.StartAsync(silos: 3, gateways: 2, cancellation);
    var questions = await QuestionPool.AskedAsync(cluster, parsed.GetValue(seed), cancellation);
    return parsed.GetValue(scenario) switch
    {
        "restart" => await new RestartScenario(cluster, questions).RunAsync(cancellation),
        "redis" => await new RedisScenario(cluster, questions, parsed.GetValue(clients)).RunAsync(cancellation),
        "rolling" => await new RollingScenario(cluster, questions, parsed.GetValue(clients)).RunAsync(cancellation),
        _ => await new FaultScenario(cluster, questions, parsed.GetValue(seed), parsed.GetValue(clients)).RunAsync(parsed.GetValue(runs), cancellation),
    };
});
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(5) });
