using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Models;

/// <summary>OpenAI's list and Anthropic's in one: they have no field in common but with the same meaning.</summary>
internal sealed record ModelList(IReadOnlyList<ModelEntry> Data)
{
    public string Object { get; } = "list";

    public bool HasMore { get; }

    public string? FirstId { get; } = Data.Count > 0 ? Data[0].Id : null;

    public string? LastId { get; } = Data.Count > 0 ? Data[^1].Id : null;
}

/// <param name="Created">When it was loaded, Unix seconds; 0 while it loads.</param>
/// <param name="Root">The model whose weights answer: this one, or the one that it adapts.</param>
/// <param name="Parent">The model that it adapts; null: none. Both as vLLM lists LoRA adapters.</param>
internal sealed record ModelEntry(string Id, long Created, string Root, string? Parent, ModelMeta Meta)
{
    public string Object { get; } = "model";

    public string OwnedBy { get; } = "smolcluster";

    public string Type { get; } = "model";

    public string DisplayName { get; } = Id;

    public DateTimeOffset CreatedAt { get; } = DateTimeOffset.FromUnixTimeSeconds(Created);

    public static ModelEntry From(ModelStatus model) => new(model.Id, Math.Max(0, model.LoadedAt.ToUnixTimeSeconds()), model.Parent ?? model.Id, model.Parent,
        new(model.Kind, model.State, model.Progress, model.ContextLength, model.Architecture, model.ContentHash, model.FileBytes,
            model.Problem));
}

/// <summary>What OpenAI's list has no place for.</summary>
/// <param name="Kind">real, demo or stub: a demo or stub is never shown without it.</param>
/// <param name="State">loading, ready or failed; stage, while silos with parts of it look for one that answers.</param>
/// <param name="Progress">0 to 1 while loading.</param>
/// <param name="ContextLength">Prompt and answer together, in tokens.</param>
/// <param name="Problem">Why it failed, or what is missing; else null.</param>
internal sealed record ModelMeta(string Kind, string State, double Progress, int ContextLength, string Architecture, string ContentHash,
    long FileBytes, string? Problem);
