using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using SmolCluster.Engine.Models;

namespace SmolCluster.Cli.Bench;

/// <summary><c>smol bench FILE|SHAPE</c>: speed and memory of this engine on this machine, beside llama.cpp's if asked.</summary>
internal static class BenchCommand
{
    private const int Interrupted = 130;
    private const int DefaultAlone = 3;
    private const int DefaultPairs = 5;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static string Names { get; } = string.Join(", ", BenchCase.All.Select(static known => known.Name));

    public static Command Create()
    {
        var file = new Argument<string>("FILE|SHAPE")
        {
            Description = $"A GGUF file, demo, or a shape whose random weights are made once in the cache folder: {string.Join(", ", RandomModel.Shapes)}, each with :TYPE if wanted (default: Q4_K_M)",
        };
        var threads = new Option<int?>("--threads") { Description = "Threads that compute, of either side (default: one a processor)" };
        var json = new Option<bool>("--json") { Description = "{machine, file, cases: [{name, unit, ours, peer, ratio}]}" };
        var cases = new Option<string?>("--cases") { Description = $"Which, separated by commas (default: all but {string.Join(" and ", BenchCase.All.Where(static known => known.OnlyIfNamed).Select(static known => known.Name))}, which take minutes): {Names}", HelpName = "a,b,c" };
        var pairs = new Option<int?>("--pairs") { Description = $"Measurements a case, of which the median counts (default: {DefaultPairs} with --vs, else {DefaultAlone})" };
        var versus = new Option<string?>("--vs") { Description = "Compare with llama.cpp (prebuilt, from npm, installed once into the cache folder), measured in turns", HelpName = LlamaCppPeer.Name };
        Option<bool> noSpeculation = NodeSwitches.NoSpeculationOption(), pin = NodeSwitches.PinOption();
        Option<string?> kv = NodeSwitches.KvOption();
        var cache = new Option<string?>("--cache") { Description = "The cache folder (default: smolcluster in XDG_CACHE_HOME or ~/.cache)", HelpName = "FOLDER" };
        var command = new SmolCommand("bench", "Measure speed and memory, and compare with llama.cpp",
            "smol bench SmolLM3-Q4_K_M.gguf",
            "smol bench smollm3-3b:Q4_K_M --vs llama.cpp",
            "smol bench demo --cases prefill-128,decode-1 --json")
        { file, threads, json, cases, pairs, versus, kv, pin, noSpeculation, cache };
        NodeSwitches.AtLeastOne(threads);
        NodeSwitches.AtLeastOne(pairs);
        versus.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<string?>() is { } other && other != LlamaCppPeer.Name)
                result.AddError($"--vs: '{other}' cannot be compared with; expected {LlamaCppPeer.Name}.");
        });
        file.Validators.Add(static result =>
        {
            if (BenchCache.ProblemWith(result.GetValueOrDefault<string>()) is { } problem)
                result.AddError(problem);
        });
        cases.Validators.Add(static result =>
        {
            if (Split(result.GetValueOrDefault<string?>()).FirstOrDefault(static name => !BenchCase.All.Any(known => known.Name == name)) is { } unknown)
                result.AddError($"--cases: there is no case '{unknown}'; the cases are {Names}.");
        });
        command.SetAction(parsed => RunAsync(
            parsed.GetRequiredValue(file),
            new BenchCache(parsed.GetValue(cache)),
            new BenchPlan(
                Chosen(parsed.GetValue(cases)),
                parsed.GetValue(threads) ?? Environment.ProcessorCount,
                parsed.GetValue(pairs) ?? (parsed.GetValue(versus) is null ? DefaultAlone : DefaultPairs),
                NodeSwitches.Kv(parsed, kv)),
            parsed.GetValue(versus) is not null,
            [.. new[] { pin, noSpeculation }.Where(parsed.GetValue).Select(static own => own.Name)],
            parsed.GetValue(json)));
        return command;
    }

    private static async Task<int> RunAsync(string fileOrShape, BenchCache cache, BenchPlan plan, bool versus, string[] own, bool json)
    {
        using var stop = new CancellationTokenSource();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            ModelFacts model = ModelFacts.Of(await cache.ModelAsync(fileOrShape, stop.Token));
            await using var ours = new Rival("smol", () => Worker(model.Path, plan, [.. own, "--twins", cache.Twins]));
            await using Rival? peer = versus ? await LlamaCppPeer.CreateAsync(cache.Root, model, plan, stop.Token) : null;
            BenchReport report = await new BenchRun(plan, model, ours, peer).RunAsync(Tell, stop.Token);
            if (json)
                Console.Out.WriteLine(JsonSerializer.Serialize(report, s_json));
            else
                BenchTable.Show(report);
            return report.Cases.Any(static result => result.Ours is not null) ? 0 : CommandLine.Failed;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Console.Error.WriteLine("smol: stopped");
            return Interrupted;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true; // ends the contenders and takes partial files away first
            stop.Cancel();
        }
    }

    /// <summary>This program again, as a contender.</summary>
    private static ProcessStartInfo Worker(string model, BenchPlan plan, string[] switches)
    {
        // Started as "dotnet smol.dll", or as itself.
        string program = Environment.ProcessPath ?? "dotnet";
        bool hosted = Path.GetFileNameWithoutExtension(program).Equals("dotnet", StringComparison.OrdinalIgnoreCase);
        string[] library = hosted ? [Path.Combine(AppContext.BaseDirectory, "smol.dll")] : [];
        return new ProcessStartInfo(program, [.. library, EngineWorker.Name, model, $"{plan.Threads}", $"{plan.KvType}", .. switches]);
    }

    private static void Tell(CaseResult result)
    {
        if (!Console.IsErrorRedirected)
            Console.Error.WriteLine(BenchTable.Line(result));
    }

    private static BenchCase[] Chosen(string? names)
    {
        string[] wanted = Split(names);
        return [.. names is null ? BenchCase.Usual : BenchCase.All.Where(known => wanted.Contains(known.Name))];
    }

    private static string[] Split(string? names) => names?.Split(',', StringSplitOptions.TrimEntries) ?? [];
}
