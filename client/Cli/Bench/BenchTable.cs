using System.Globalization;
using Spectre.Console;

namespace SmolCluster.Cli.Bench;

/// <summary>The report for people.</summary>
internal static class BenchTable
{
    public static void Show(BenchReport report)
    {
        IAnsiConsole console = Terminal.Out;
        Machine machine = report.Machine;
        console.WriteLine(report.File);
        console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{machine.Cpu}, {machine.Cores} cores, {machine.Simd}, {Terminal.Bytes(machine.MemoryBytes)}, {machine.Os}, {machine.Runtime}"));
        console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{machine.Threads} threads, keys and values in {machine.Kv}, load average {Figure(machine.LoadAverage)}; memory reads at {machine.Bus.ReadGigabytesPerSecond:0.0} GB/s, a token at {Terminal.Bytes(machine.Bus.BytesPerToken)} of weights"));
        console.Write(Rows(report));
        foreach (string note in Notes(report))
            console.WriteLine(note);
    }

    /// <summary>One case in a line, as soon as it is measured.</summary>
    public static string Line(CaseResult result) => result.Skipped is { } reason
        ? $"{result.Name,-13} {reason}"
        : $"{result.Name,-13} {Figure(result.Ours)} {result.Unit}" + (result.Peer is null ? "" : $", peer {Figure(result.Peer)}, ratio {Figure(result.Ratio)}");

    private static Table Rows(BenchReport report)
    {
        bool paired = report.Machine.Peer is not null;
        Table table = new Table().Border(TableBorder.Simple).AddColumn("Case").AddColumn("Unit").AddColumn(new TableColumn("smol").RightAligned());
        if (paired)
            table.AddColumn(new TableColumn(report.Machine.Peer!).RightAligned()).AddColumn(new TableColumn("Ratio").RightAligned());
        table.AddColumn(new TableColumn("Of the bus").RightAligned());
        foreach (CaseResult row in report.Cases)
        {
            string share = row.Name == BenchCase.OneUser.Name && report.Machine.Bus.DecodeShare is { } part ? part.ToString("0 %", CultureInfo.InvariantCulture) : "";
            string[] cells = paired
                ? [row.Name, row.Unit, Figure(row.Ours), Figure(row.Peer), Figure(row.Ratio), share]
                : [row.Name, row.Unit, Figure(row.Ours), share];
            table.AddRow(Array.ConvertAll(cells, static cell => new Text(cell)));
        }

        return table;
    }

    private static IEnumerable<string> Notes(BenchReport report)
    {
        foreach (CaseResult row in report.Cases.Where(static row => row.Skipped is not null))
            yield return $"{row.Name}: {row.Skipped}";
        foreach (CaseResult row in report.Cases.Where(static row => row.Note is not null))
            yield return $"{row.Name}: {row.Note}";
        if (report.Machine.LoadAverage > report.Machine.Cores / 2.0)
        {
            yield return string.Create(CultureInfo.InvariantCulture,
                $"Others were busy on this machine (load average {report.Machine.LoadAverage:0.0} on {report.Machine.Cores} cores before the run): figures are too low, and ratios say little.");
        }

        if (report.Machine.Peer is not { } peer)
            yield break;
        yield return $"Ratio: smol ÷ {peer}, the median over pairs measured one after the other. Of ms and MiB, less is better.";
        if (report.Cases.Any(static row => row.Peer is not null && BenchCase.All.Single(known => known.Name == row.Name).PeerIsDerived))
        {
            yield return string.Create(CultureInfo.InvariantCulture,
                $"decode-16, decode-32: the peer's figure is {BenchRun.PeerBatchGain} x its one-user rate of the same pair, what llama.cpp's own tool reaches; its binding for Node batches far slower.");
        }
    }

    private static string Figure(double? value) => value switch
    {
        null => "-",
        < 10 => value.Value.ToString("0.00", CultureInfo.InvariantCulture),
        < 1000 => value.Value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.Value.ToString("0", CultureInfo.InvariantCulture),
    };
}
