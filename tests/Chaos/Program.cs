using System.CommandLine;
using SmolCluster.Chaos;

string[] scenarios = ["faults", "restart", "redis", "rolling", "scaling", "overhead", "idle", "flood", "uneven", "tls", "trace", "stages"];
var runs = new Option<int>("--runs") { Description = "Times that a silo or gateway is taken away in the middle of an answer", DefaultValueFactory = static _ => 12 };
var seed = new Option<int>("--seed") { Description = "Of questions, faults and moments", DefaultValueFactory = static _ => 1 };
var clients = new Option<int>("--clients") { Description = "Answers at the same time", DefaultValueFactory = static _ => 12 };
var scenario = new Option<string>("--scenario") { Description = $"{string.Join(", ", scenarios)}", DefaultValueFactory = static _ => "faults" };
var silos = new Option<int>("--silos") { Description = "Of the scenario scaling", DefaultValueFactory = static _ => 8 };
var seconds = new Option<int>("--seconds") { Description = "That scaling, overhead and flood measure", DefaultValueFactory = static _ => 20 };
var conversations = new Option<int>("--conversations") { Description = "Of the scenario idle", DefaultValueFactory = static _ => 10_000 };
var otlp = new Option<bool>("--otlp") { Description = "Whether the nodes of the scenario overhead send their telemetry to somebody" };
var old = new Option<string?>("--old") { Description = "Another build's folder (tests/Chaos/bin/…): the scenario rolling starts from its programs and replaces its silos by this build's", HelpName = "FOLDER" };
var logs = new Option<string?>("--logs") { Description = "A folder that keeps the logs of all processes", HelpName = "FOLDER" };
scenario.AcceptOnlyFromAmong(scenarios);
var command = new RootCommand("Takes processes of a real cluster away while clients read, and compares what they read with an undisturbed cluster's answers")
{
    runs, seed, clients, scenario, silos, seconds, conversations, otlp, old, logs,
};
command.SetAction(async (parsed, cancellation) =>
{
    if (RedisServer.Missing is { } missing)
    {
        Console.Error.WriteLine(missing);
        return 3;
    }
    await using var cluster = new ClusterProcesses(parsed.GetValue(logs));
    var time = TimeSpan.FromSeconds(parsed.GetValue(seconds));
    switch (parsed.GetValue(scenario))
    {
        case "scaling":
            await cluster.StartAsync(silos: 1, gateways: 2, cancellation, ScalingScenario.Settings);
            return await new ScalingScenario(cluster, parsed.GetValue(silos), time).RunAsync(cancellation);
        case "overhead":
            await using (var telemetry = parsed.GetValue(otlp) ? await OtlpReceiver.StartAsync(cancellation) : null)
            {
                await cluster.StartAsync(silos: 1, gateways: 1, cancellation, telemetry is null ? OverheadScenario.Settings : OverheadScenario.Settings.Concat(telemetry.Settings).ToDictionary(), telemetry?.Settings);
                return await new OverheadScenario(cluster, time, telemetry is not null).RunAsync(cancellation);
            }
        case "flood":
            await cluster.StartAsync(silos: 2, gateways: 2, cancellation, ScalingScenario.Settings);
            return await new FloodScenario(cluster, time).RunAsync(cancellation);
        case "trace":
            await using (var telemetry = await OtlpReceiver.StartAsync(cancellation))
            {
                await cluster.StartAsync(silos: 2, gateways: 1, cancellation, telemetry.Settings.Concat(TraceScenario.Model).ToDictionary(), telemetry.Settings);
                return await new TraceScenario(cluster, telemetry).RunAsync(cancellation);
            }
        case "tls":
            using (var pems = NodePems.Create("this cluster"))
            {
                await cluster.StartAsync(silos: 2, gateways: 1, cancellation, pems.Settings, pems.Settings);
                return await new TlsScenario(cluster).RunAsync(await QuestionPool.AskedAsync(cluster, parsed.GetValue(seed), cancellation), cancellation);
            }
        case "stages":
            IReadOnlyList<Question> known;
            await using (var whole = new ClusterProcesses(null))
            {
                await whole.StartAsync(silos: 1, gateways: 1, cancellation);
                known = await QuestionPool.AskedAsync(whole, parsed.GetValue(seed), cancellation);
            }
            await cluster.StartAsync(silos: 2, gateways: 2, cancellation, StagesScenario.Settings);
            return await new StagesScenario(cluster, known).RunAsync(cancellation);
        case "uneven":
            await cluster.StartAsync(silos: 1, gateways: 2, cancellation);
            return await new UnevenScenario(cluster, await QuestionPool.AskedAsync(cluster, parsed.GetValue(seed), cancellation)).RunAsync(cancellation);
        case "idle":
            await cluster.StartAsync(silos: 1, gateways: 1, cancellation, IdleScenario.Settings);
            return await new IdleScenario(cluster, parsed.GetValue(conversations)).RunAsync(cancellation);
    }
    cluster.Programs = parsed.GetValue(old) ?? cluster.Programs;
    await cluster.StartAsync(silos: 3, gateways: 2, cancellation);
    cluster.Programs = AppContext.BaseDirectory;
    var questions = await QuestionPool.AskedAsync(cluster, parsed.GetValue(seed), cancellation);
    return parsed.GetValue(scenario) switch
    {
        "restart" => await new RestartScenario(cluster, questions, parsed.GetValue(seed)).RunAsync(cancellation),
        "redis" => await new RedisScenario(cluster, questions, parsed.GetValue(clients)).RunAsync(cancellation),
        "rolling" => await new RollingScenario(cluster, questions, parsed.GetValue(clients)).RunAsync(cancellation),
        _ => await new FaultScenario(cluster, questions, parsed.GetValue(seed), parsed.GetValue(clients)).RunAsync(parsed.GetValue(runs), cancellation),
    };
});
return await command.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(5) });
