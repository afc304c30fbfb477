using System.CommandLine;
using SmolCluster.Cli;

var smol = new RootCommand("SmolCluster: chat with GGUF language models, from one process or a cluster, in C#.")
{
    ServeCommand.Create(),
    ChatCommand.Create(),
    InspectCommand.Create(),
    TokenizeCommand.Create(),
    RenderCommand.Create(),
    LogitsCommand.Create(),
    RandomCommand.Create(),
};
return await CommandLine.RunAsync(smol, args);
