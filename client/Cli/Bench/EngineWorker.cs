using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Cli.Bench;

/// <summary>The hidden <c>smol bench-worker FILE THREADS KV</c>: this engine as a contender. A process of its own, like the peer: its
/// memory is the model's and nothing of the bench's, load is that of a new process, and a crash ends one case only. The end of
/// its input ends it at once, so that no worker outlives its bench.</summary>
internal static class EngineWorker
{
    public const string Name = "bench-worker";

    public static Command Create()
    {
        var file = new Argument<string>("FILE");
        var threads = new Argument<int>("THREADS");
        Option<bool> noSpeculation = NodeSwitches.NoSpeculationOption(), pin = NodeSwitches.PinOption();
        var kv = new Argument<KvType>("KV");
        var twins = new Option<string?>("--twins");
        var command = new Command(Name, "A contender of smol bench; it talks JSON lines") { file, threads, kv, pin, noSpeculation, twins };
        command.Hidden = true;
        command.SetAction(parsed => RunAsync(parsed.GetRequiredValue(file), new EngineOptions
        {
            Threads = parsed.GetRequiredValue(threads),
            KvType = parsed.GetRequiredValue(kv),
            PinThreads = parsed.GetValue(pin),
            Speculation = !parsed.GetValue(noSpeculation),
            TwinFolder = parsed.GetValue(twins),
        }));
        return command;
    }

    private static async Task RunAsync(string file, EngineOptions options)
    {
        long start = Stopwatch.GetTimestamp();
        using GgufChatModel model = GgufChatModel.Load(file, options);
        Send(new ContenderReply(Stopwatch.GetElapsedTime(start).TotalMilliseconds));
        using var lines = new BlockingCollection<string>();
        new Thread(() => ReadLines(lines)) { IsBackground = true, Name = "bench-input" }.Start();
        foreach (string line in lines.GetConsumingEnumerable())
            Send(await AnswerAsync(model, JsonSerializer.Deserialize<ContenderRequest>(line, Protocol.Json)!));
    }

    private static void ReadLines(BlockingCollection<string> lines)
    {
        while (Console.In.ReadLine() is { } line)
            lines.Add(line);
        Environment.Exit(0);
    }

    private static async Task<ContenderReply> AnswerAsync(GgufChatModel model, ContenderRequest request)
    {
        try
        {
            if (request.Flood is { } flood)
            {
                (double[][] flooded, double from) = await new FloodedGeneration(request).RunAsync(model);
                return new ContenderReply(Times: flooded, FloodedFrom: from, FloodTokens: flood[0].Length);
            }

            (long drafted, long accepted) = model.Drafts;
            double[][] times = await new TimedGeneration(request).RunAsync(model);
            return new ContenderReply(Times: times, Drafts: [model.Drafts.Drafted - drafted, model.Drafts.Accepted - accepted]);
        }
        catch (Exception failure) when (failure is ArgumentException or InvalidOperationException or QueueFullException)
        {
            return new ContenderReply(Error: failure.Message);
        }
    }

    private static void Send(ContenderReply reply)
    {
        Console.Out.WriteLine(JsonSerializer.Serialize(reply, Protocol.Json));
        Console.Out.Flush();
    }
}
