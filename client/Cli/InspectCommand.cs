using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using Spectre.Console;

namespace SmolCluster.Cli;

/// <summary><c>smol inspect FILE</c>: what is in a GGUF file and how this engine reads it.</summary>
internal static class InspectCommand
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A GGUF file" };
        var json = new Option<bool>("--json") { Description = "The same as JSON, with all metadata and tensors" };
        var command = new SmolCommand("inspect", "Show what a GGUF file holds and how it is read",
            "smol inspect SmolLM3-Q4_K_M.gguf",
            "smol inspect SmolLM3-Q4_K_M.gguf --json")
        { file, json };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(file), parsed.GetValue(json)));
        return command;
    }

    private static void Run(string path, bool json)
    {
        using GgufFile file = GgufFile.Open(path);
        InspectReport report = InspectReport.Of(file);
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(report, s_json));
        else
            Show(report);
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
        Table table = Frame("Tensor type", "Tensors", "Weights", "Size");
        foreach (TypeShare share in shares)
            table.AddRow(Cells(share.Type, Number(share.Count), Number(share.Weights), Terminal.Bytes(share.Bytes)));
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
