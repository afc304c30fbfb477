using System.CommandLine;
using SmolCluster.Cli.Hub;
using SmolCluster.Grains;
using Spectre.Console;

namespace SmolCluster.Cli.Doctor;

/// <summary>How a check ended.</summary>
internal enum Health { Good, Doubtful, Bad }

/// <param name="What">What was looked at.</param>
/// <param name="Text">What was found and, where something is wrong, what to do.</param>
internal sealed record Finding(Health Health, string What, string Text);

/// <summary><c>smol doctor [MODEL]</c>: is this machine fit, and is this model the published one and computed rightly?</summary>
internal static class DoctorCommand
{
    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "A GGUF file, a pulled model, or demo (the default)", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = static _ => ModelCatalog.DemoPath };
        var json = new Option<bool>("--json") { Description = "[{health, what, text}]" };
        var command = new SmolCommand("doctor", "Check the machine, the folders and the ports, and a model against its published checksum and known answers",
            "smol doctor",
            "smol doctor SmolLM3-Q4_K_M.gguf")
        { model, json };
        command.SetAction(parsed => RunAsync(parsed.GetRequiredValue(model), parsed.GetValue(json)));
        return command;
    }

    private static async Task<int> RunAsync(string model, bool json)
    {
        string path = model == ModelCatalog.DemoPath ? ModelCatalog.DemoFile : new ModelStore(null).Resolve(model);
        List<Finding> findings = [.. MachineChecks.Run()];
        if (!json)
            findings.ForEach(Show);
        await foreach (Finding finding in ModelChecks.RunAsync(path))
        {
            findings.Add(finding);
            if (!json)
                Show(finding);
        }

        if (json)
            JsonOutput.Write(findings);
        return findings.Any(static finding => finding.Health == Health.Bad) ? CommandLine.Failed : 0;
    }

    private static void Show(Finding finding)
    {
        (string mark, string color) = finding.Health switch { Health.Good => ("ok  ", "green"), Health.Doubtful => ("note", "yellow"), _ => ("BAD ", "red") };
        Terminal.Out.Markup($"[{color}]{mark}[/] [bold]{Markup.Escape(finding.What),-12}[/] ");
        Console.Out.WriteLine(finding.Text);
    }
}
