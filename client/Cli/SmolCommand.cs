using System.CommandLine;

namespace SmolCluster.Cli;

/// <summary>A command with examples: what people read first in a help text, and what the tests run.</summary>
internal sealed class SmolCommand(string name, string description, params string[] examples) : Command(name, description)
{
    /// <summary>Complete lines, each starting with <c>smol</c>.</summary>
    public IReadOnlyList<string> Examples { get; } = examples;
}

/// <summary>A command cannot do what it was asked for; the message goes to standard error as it is, and the exit code is 1.</summary>
internal sealed class CommandFailure(string message) : Exception(message);
