using System.CommandLine;
using SmolCluster.Cli;
using SmolCluster.Cli.Bench;
using SmolCluster.Cli.Doctor;
using SmolCluster.Cli.Files;
using SmolCluster.Cli.Hub;

var smol = new RootCommand("SmolCluster: chat with GGUF language models, from one process or a cluster, in C#.")
{
    ServeCommand.Create(),
    ChatCommand.Create(),
    KeysCommand.Create(),
    RunCommand.Create(),
    StatusCommand.Create(),
    DrainCommand.Create(),
    DoctorCommand.Create(),
    PullCommand.Create(),
    ListCommand.Create(),
    RemoveCommand.Create(),
    InspectCommand.Create(),
    QuantizeCommand.Create(),
    ConvertCommand.Create(),
    SetMetadataCommand.Create(),
    PerplexityCommand.Create(),
    TokenizeCommand.Create(),
    RenderCommand.Create(),
    LogitsCommand.Create(),
    RandomCommand.Create(),
    BenchCommand.Create(),
    CompletionCommand.Create(),
    EngineWorker.Create(),
};
return await CommandLine.RunAsync(smol, args);
