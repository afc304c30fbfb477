using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Models;

internal sealed record ModelList(IReadOnlyList<ModelEntry> Data)
{
    public string Object { get; } = "list";
}

/// <param name="Created">When it was loaded, Unix seconds; 0 while it loads.</param>
internal sealed record ModelEntry(string Id, long Created, ModelMeta Meta)
{
    public string Object { get; } = "model";

    public string OwnedBy { get; } = "smolcluster";

    public static ModelEntry From(ModelStatus model) => new(model.Id, Math.Max(0, model.LoadedAt.ToUnixTimeSeconds()),
        new(model.Kind, model.State, model.Progress, model.ContextLength, model.Architecture, model.ContentHash, model.FileBytes,
            model.Problem));
}

/// <summary>What OpenAI's list has no place for.</summary>
/// <param name="Kind">real, demo or stub: a demo or stub is never shown without it.</param>
/// <param name="State">loading, ready or failed.</param>
/// <param name="Progress">0 to 1 while loading.</param>
/// <param name="ContextLength">Prompt and answer together, in tokens.</param>
/// <param name="Problem">Why it failed, else null.</param>
internal sealed record ModelMeta(string Kind, string State, double Progress, int ContextLength, string Architecture, string ContentHash,
    long FileBytes, string? Problem);
