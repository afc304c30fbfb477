using System.CommandLine;
using SmolCluster.Cli;
using SmolCluster.Cli.Bench;
using SmolCluster.Cli.Files;

var smol = new RootCommand("SmolCluster: chat with GGUF language models, from one process or a cluster, in C#.")
{
    ServeCommand.Create(),
    ChatCommand.Create(),
    InspectCommand.Create(),
    QuantizeCommand.Create(),
    ConvertCommand.Create(),
    TokenizeCommand.Create(),
    RenderCommand.Create(),
    LogitsCommand.Create(),
    RandomCommand.Create(),
    BenchCommand.Create(),
    EngineWorker.Create(),
};
return await CommandLine.RunAsync(smol, args);
