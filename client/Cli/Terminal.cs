using Spectre.Console;

namespace SmolCluster.Cli;

/// <summary>Where people look. Results go to <see cref="Out"/>, progress to <see cref="Error"/>, so that a pipe gets results
/// only. Spectre leaves colours out where output is redirected or NO_COLOR is set; this adds a width at which redirected
/// tables do not wrap.</summary>
internal static class Terminal
{
    private const int RedirectedWidth = 240;

    public static IAnsiConsole Out { get; } = Create(Console.Out, Console.IsOutputRedirected);

    public static IAnsiConsole Error { get; } = Create(Console.Error, Console.IsErrorRedirected);

    /// <summary>Runs work under a progress bar; where errors are redirected nothing is drawn.</summary>
    public static async Task<T> WithProgressAsync<T>(string title, Func<IProgress<double>, T> work)
    {
        if (Console.IsErrorRedirected)
            return await Task.Run(() => work(new Discard()));
        return await Error.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn())
            .StartAsync(async context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(title), maxValue: 1);
                return await Task.Run(() => work(new Bar(task)));
            });
    }

    /// <summary>1536 → 1.5 KiB.</summary>
    public static string Bytes(long count)
    {
        ReadOnlySpan<string> units = ["B", "KiB", "MiB", "GiB", "TiB"];
        double value = count;
        int unit = 0;
        for (; value >= 1024 && unit < units.Length - 1; unit++)
            value /= 1024;
        return unit == 0 ? $"{count} B" : $"{value:0.0} {units[unit]}";
    }

    private static IAnsiConsole Create(TextWriter writer, bool redirected)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = redirected ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = redirected ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        });
        if (redirected)
            console.Profile.Width = RedirectedWidth;
        return console;
    }

    private sealed class Bar(ProgressTask task) : IProgress<double>
    {
        public void Report(double value) => task.Value = value;
    }

    private sealed class Discard : IProgress<double>
    {
        public void Report(double value) { }
    }
}
