namespace SmolCluster.Grains.Placement;

/// <summary>What a silo tells others of a model that can answer there.</summary>
/// <param name="Answers">That run now.</param>
/// <param name="FreePages">Of the KV cache, those evictable included; 0 for a model without one.</param>
/// <param name="Pages">Of the KV cache.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ModelLoad")]
public sealed record ModelLoad([property: Id(0)] string Model, [property: Id(1)] int Answers, [property: Id(2)] int FreePages, [property: Id(3)] int Pages);
