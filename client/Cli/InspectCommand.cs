using System.CommandLine;
using System.Globalization;
using SmolCluster.Cli.Hub;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using Spectre.Console;

namespace SmolCluster.Cli;

/// <summary><c>smol inspect FILE</c>: what is in a GGUF file and how this engine reads it.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A GGUF file" };
        var context = new Option<int?>("--context") { Description = "Show the memory at this context length too, in tokens" };
        var check = new Option<bool>("--check") { Description = "Read every weight, the vocabulary and the template; exit code 1 where something is wrong" };
        var json = new Option<bool>("--json") { Description = "The same as JSON, with all metadata and tensors" };
        NodeSwitches.AtLeastOne(context);
        var command = new SmolCommand("inspect", "Show what a GGUF file holds and how it is read",
            "smol inspect SmolLM3-Q4_K_M.gguf",
            "smol inspect SmolLM3-Q4_K_M.gguf --context 20000",
            "smol inspect SmolLM3-Q4_K_M.gguf --check --json")
        { file, context, check, json };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(file), parsed.GetValue(context), parsed.GetValue(check), parsed.GetValue(json)));
        return command;
    }

    private static async Task<int> Run(string named, int? context, bool check, bool json)
    {
        using GgufFile file = HuggingFaceModel.OpenAny(new ModelStore(null).Resolve(named));
        InspectReport report = InspectReport.Of(file, context);
        if (check)
            report = report with { Checks = await Terminal.WithProgressAsync("reading all of it", progress => FileCheck.Run(file, progress)) };
        if (json)
            JsonOutput.Write(report);
        else
            Show(report);
        return report.Checks?.All(static one => one.Problem is null) == false ? CommandLine.Failed : 0;
    }

    private static void Show(InspectReport report)
    {
        IAnsiConsole console = Terminal.Out;
        console.MarkupLineInterpolated($"[bold]{report.File}[/]");
        console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"GGUF {report.Version}, {Terminal.Bytes(report.Bytes)}, {report.Architecture ?? "no architecture"}, {report.Name ?? "no name"}, {report.Parameters / 1e6:0.0} M weights in {report.Tensors.Count} tensors"));
        if (report.Problem is not null)
            console.MarkupLineInterpolated($"[yellow]Cannot be served:[/] {report.Problem}");
        if (report.Mapping.Count > 0)
            console.Write(Mapping(report.Mapping));
        if (report.TensorTypes.Count > 0)
            console.Write(Types(report.TensorTypes));
        if (report.Memory.Count > 0)
            console.Write(Memory(report.Memory));
        if (report.Tokenizer is { } tokenizer)
            console.WriteLine(Describe(tokenizer));
        foreach (CheckResult one in report.Checks ?? [])
            console.MarkupLineInterpolated($"{(one.Problem is null ? "ok  " : "BAD ")} {one.What}{(one.Problem is null ? "" : ": " + one.Problem)}");
    }

    private static Table Mapping(IReadOnlyList<Hyperparameter> rows)
    {
        Table table = Frame("Key", "Meaning", "Value", "Where from");
        foreach (Hyperparameter row in rows)
            table.AddRow(Cells(row.Key, row.Meaning, row.Value, row.Default ?? "file"));
        return table;
    }

    private static Table Types(IReadOnlyList<TypeShare> shares)
    {
        const int widest = 40;
        long largest = shares.Max(static share => share.Bytes), all = shares.Sum(static share => share.Bytes);
        Table table = Frame("Tensor type", "Tensors", "Weights", "Size", "Share");
        foreach (TypeShare share in shares)
        {
            string bar = new('█', (int)Math.Max(1, widest * share.Bytes / largest));
            table.AddRow(Cells(share.Type, Number(share.Count), Number(share.Weights), Terminal.Bytes(share.Bytes), string.Create(CultureInfo.InvariantCulture, $"{bar} {100.0 * share.Bytes / all:0.0} %")));
        }

        return table;
    }

    private static Table Memory(IReadOnlyList<MemoryNeed> needs)
    {
        Table table = Frame("Context", "KV cache Q8_0", "KV cache F16", "KV cache F32", "File and F16 cache");
        foreach (MemoryNeed need in needs)
            table.AddRow(Cells(Number(need.Context), Terminal.Bytes(need.KvBytesQ8_0), Terminal.Bytes(need.KvBytesF16), Terminal.Bytes(need.KvBytesF32), Terminal.Bytes(need.TotalBytesF16)));
        return table;
    }

    private static string Describe(TokenizerFacts facts)
    {
        string special = string.Join(", ", facts.SpecialTokens.Select(static token => $"{token.Key} {token.Value}"));
        string template = facts.TemplateLength is { } length ? $"a chat template of {Number(length)} characters" : "no chat template";
        return $"Tokenizer {facts.Model ?? "?"} (pre-tokenizer {facts.PreTokenizer ?? "none"}): {Number(facts.Tokens)} tokens, {Number(facts.Merges)} merges; {special}; {template}";
    }

    private static Table Frame(params ReadOnlySpan<string> columns)
    {
        Table table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns)
            table.AddColumn(column);
        return table;
    }

    private static Text[] Cells(params string[] values) => Array.ConvertAll(values, static value => new Text(value));

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
