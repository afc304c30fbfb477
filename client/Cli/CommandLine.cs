using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Cli;

/// <summary>Parses, runs and turns failures into one message and an exit code: 0 done, 1 failed, 2 called wrongly.
/// Commands throw; only this place prints errors, so that none prints two or a stack trace.</summary>
internal static class CommandLine
{
    public const int Failed = 1;
    public const int WrongUsage = 2;

    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        ParseResult parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        if (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction)
            return Refuse(parsed);

        // Signals stay with the commands: serve stops its host, chat stops its answer, all others just end.
        var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        try
        {
            CheckEnvironment();
            int code = await parsed.InvokeAsync(invocation);
            return args.Length == 0 ? WrongUsage : code;
        }
        catch (Exception failure)
        {
            Console.Error.WriteLine("smol: " + Describe(failure));
            return Failed;
        }
    }

    /// <summary>A wrong SMOL_SIMD is told at once, by every command, rather than at the first matrix product.</summary>
    private static void CheckEnvironment()
    {
        try
        {
            _ = Simd.Level;
        }
        catch (InvalidOperationException refusal)
        {
            throw new CommandFailure(refusal.Message);
        }
    }

    private static int Refuse(ParseResult parsed)
    {
        Command command = parsed.CommandResult.Command;
        string path = command is RootCommand ? "smol" : "smol " + command.Name;
        string problem = parsed.UnmatchedTokens is [var stray, ..]
            ? $"'{stray}' is no {(command is RootCommand ? "command" : "argument or option")} of {path}."
            : parsed.Errors[0].Message;
        Console.Error.WriteLine($"smol: {problem}\nTry '{path} --help'.");
        return WrongUsage;
    }

    private static string Describe(Exception failure) => failure switch
    {
        CommandFailure or NoAnswer or GgufException or CheckpointException or TemplateException or QueueFullException => failure.Message,
        IOException or UnauthorizedAccessException => failure.Message,
        _ when Environment.GetEnvironmentVariable("SMOL_DEBUG") == "1" => failure.ToString(),
        _ => $"this is a bug: {failure.GetType().Name}: {failure.Message} (SMOL_DEBUG=1 shows where)",
    };

    private sealed class HelpWithExamples(HelpAction usual) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            int code = usual.Invoke(parseResult);
            TextWriter output = parseResult.InvocationConfiguration.Output;
            if (parseResult.CommandResult.Command is SmolCommand { Examples.Count: > 0 } command)
                output.WriteLine("Examples:\n" + string.Concat(command.Examples.Select(static line => $"  {line}\n")));
            return code;
        }
    }
}
