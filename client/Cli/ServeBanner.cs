using System.Reflection;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using Spectre.Console;

namespace SmolCluster.Cli;

/// <summary>What <c>smol serve</c> says on standard output. Values are written past Spectre, which would break long lines:
/// an address must stay one word to copy.</summary>
internal static class ServeBanner
{
    public static void ShowAddresses(string url, IReadOnlyList<ModelStatus> models)
    {
        string version = typeof(ServeBanner).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        Terminal.Out.MarkupLineInterpolated($"[bold]SmolCluster[/] {version.Split('+')[0]}");
        Line("page", url + "/");
        Line("API", url + "/v1");
        foreach (ModelStatus model in models)
            Line("model", model.Id + Kind(model));
        if (models.Any(static model => model.Kind != "real"))
            Line("real", $"{RealModel.Advice} && smol serve {Path.GetFileName(RealModel.Url)}   ({RealModel.Name}, 1.9 GB)");
    }

    public static void ShowReady(string url, ModelCard model)
    {
        if (model.WithoutTwin is { } problem)
            Line("slow", $"weights are read as they lie in their file, without the twin that makes decoding fast: {problem}");
        if (model.KvBytes > 0)
            Line("memory", $"keys and values take up to {Terminal.Bytes(model.KvBytes)}, as they are needed (--kv-memory)");
        Line("ready",
            $"{url}/ answers with {model.Id}, context {model.ContextLength} tokens{(model.ContextCut is { } cut ? $" ({cut})" : "")}; Ctrl-C stops");
    }

    private static string Kind(ModelStatus model) => model.Kind switch
    {
        "demo" => "  (DEMO: a tiny model that shows how things work and knows little)",
        "stub" => "  (STUB: canned text, no model at all)",
        _ => "",
    };

    private static void Line(string label, string value)
    {
        Terminal.Out.MarkupInterpolated($"  [grey]{label,-6}[/] ");
        Console.Out.WriteLine(value);
    }
}
