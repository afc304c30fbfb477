using System.CommandLine;

namespace SmolCluster.Cli;

/// <summary><c>smol completion SHELL</c>: the lines that make a shell complete smol's commands and options. The shell asks smol itself,
/// by System.CommandLine's <c>[suggest]</c>, so that nothing here has to be kept in step.</summary>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, string> Scripts = new(StringComparer.Ordinal)
    {
        ["bash"] = """
            _smol() { local IFS=$'\n'; COMPREPLY=($(compgen -W "$(smol "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}")); }
            complete -o default -F _smol smol
            """,
        ["zsh"] = """
            _smol() { local completions=("${(@f)$(smol "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}"); compadd -- $completions; _files; }
            compdef _smol smol
            """,
        ["fish"] = """
            complete -c smol -a '(smol "[suggest:"(commandline -C)"]" (commandline) 2>/dev/null)'
            """,
        ["pwsh"] = """
            Register-ArgumentCompleter -Native -CommandName smol -ScriptBlock {
                param($word, $line, $position)
                smol "[suggest:$position]" "$line" | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
            }
            """,
    };

    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = string.Join(", ", Scripts.Keys) };
        shell.Validators.Add(static result =>
        {
            if (!Scripts.ContainsKey(result.GetValueOrDefault<string>()))
                result.AddError($"SHELL: no completion is known for '{result.GetValueOrDefault<string>()}'; expected {string.Join(", ", Scripts.Keys)}.");
        });
        var command = new SmolCommand("completion", "Print what makes a shell complete smol's commands and options",
            "smol completion bash >> ~/.bashrc",
            "smol completion fish > ~/.config/fish/completions/smol.fish")
        { shell };
        command.SetAction(parsed => Console.Out.WriteLine(Scripts[parsed.GetRequiredValue(shell)]));
        return command;
    }
}
