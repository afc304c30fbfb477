using System.CommandLine;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Cli;

/// <summary><c>smol chat</c>: the engine in this process and a prompt; no server, no Orleans.</summary>
internal static class ChatCommand
{
    public static Command Create()
    {
        var node = new NodeSwitches();
        var system = new Option<string?>("--system") { Description = "What the model is told to be" };
        var temperature = new Option<float>("--temperature") { Description = "0: always the likeliest token (0 to 2)", DefaultValueFactory = static _ => 0.6f };
        var maxTokens = new Option<int?>("--max-tokens") { Description = "Longest answer (default: what the context holds)" };
        var seed = new Option<ulong?>("--seed") { Description = "Same seed, same messages: same answers (default: a new one)" };
        var command = new SmolCommand("chat", "Chat in the terminal",
            "smol chat",
            "smol chat SmolLM3-Q4_K_M.gguf --system 'Answer in one sentence.'",
            "echo 'What is a silo?' | smol chat --temperature 0")
        { system, temperature, maxTokens, seed };
        node.AddTo(command);
        temperature.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<float>() is not (>= 0 and <= 2))
                result.AddError("--temperature must be from 0 to 2.");
        });
        NodeSwitches.AtLeastOne(maxTokens);
        command.SetAction(async parsed =>
        {
            ModelSource source = node.Source(parsed);
            using IChatModel model = await Terminal.WithProgressAsync($"loading {source.Id}", progress => source.Load(progress, CancellationToken.None));
            var session = new ChatSession(model, new ChatSettings(
                new SamplingOptions
                {
                    Temperature = parsed.GetValue(temperature),
                    Seed = parsed.GetValue(seed) ?? (ulong)Random.Shared.NextInt64(),
                },
                parsed.GetValue(maxTokens)));
            session.System = parsed.GetValue(system);
            await ChatLoop.RunAsync(session, Console.In, Console.Out);
        });
        return command;
    }
}
