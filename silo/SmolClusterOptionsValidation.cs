using Microsoft.Extensions.Options;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Grains;

namespace SmolCluster.Silo;

/// <summary>Everything that is wrong with a node's settings, at once and before it starts.</summary>
internal sealed class SmolClusterOptionsValidation : IValidateOptions<SmolClusterOptions>
{
    public ValidateOptionsResult Validate(string? name, SmolClusterOptions options)
    {
        var problems = Problems(options).ToArray();
        return problems.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static IEnumerable<string> Problems(SmolClusterOptions options)
    {
        if (options.Models.Count == 0)
            yield return "No model to serve: set SmolCluster:Models:0:Path to a GGUF file, or to \"demo\" or \"stub\".";
        foreach (var model in options.Models)
            if (ModelCatalog.ProblemWith(model) is { } problem) yield return problem;
        foreach (var same in options.Models.SelectMany(ModelCatalog.IdsOf).GroupBy(id => id, StringComparer.Ordinal).Where(group => group.Count() > 1))
            yield return $"Two models are called '{same.Key}': give one of them another Id.";
        if (options.ContextLength < 1)
            yield return $"SmolCluster:ContextLength is {options.ContextLength}; it must be at least 1 token.";
        if (options.Threads < 1)
            yield return $"SmolCluster:Threads is {options.Threads}; it must be at least 1.";
        if (options.KvMemoryMiB < 1)
            yield return $"SmolCluster:KvMemoryMiB is {options.KvMemoryMiB}; it must be at least 1.";
        if (options.WeightMemoryMiB < 1)
            yield return $"SmolCluster:WeightMemoryMiB is {options.WeightMemoryMiB}; it must be at least 1.";
        foreach (var model in options.WeightMemoryMiB is null ? [] : options.Models)
            if (model.Adapters.Count > 0 || Directory.Exists(model.Path))
                yield return $"SmolCluster:WeightMemoryMiB shares out the layers of GGUF files without adapters, and '{ModelCatalog.IdOf(model)}' is none: "
                    + "convert it with 'smol convert', merge its adapters, or leave WeightMemoryMiB out.";
        if (!Enum.GetNames<ActivationType>().Contains(options.Activations, StringComparer.OrdinalIgnoreCase))
            yield return $"SmolCluster:Activations is '{options.Activations}'; it must be one of {string.Join(", ", Enum.GetNames<ActivationType>())}.";
        if (options.KvType is { } type && !Enum.GetNames<KvType>().Contains(type, StringComparer.OrdinalIgnoreCase))
            yield return $"SmolCluster:KvType is '{type}'; it must be one of {string.Join(", ", Enum.GetNames<KvType>())}.";
        foreach (var (key, port) in Ports(options))
            if (port is < 0 or > 65535) yield return $"SmolCluster:{key} is {port}; a port is 0 (any free one) to 65535.";
    }

    private static IEnumerable<(string Key, int Port)> Ports(SmolClusterOptions options) =>
    [
        (nameof(options.SiloPort), options.SiloPort),
        (nameof(options.GatewayPort), options.GatewayPort),
        (nameof(options.PrimarySiloPort), options.PrimarySiloPort ?? 0),
    ];
}
