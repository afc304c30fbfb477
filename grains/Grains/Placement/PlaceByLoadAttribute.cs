using Orleans.Placement;

namespace SmolCluster.Grains.Placement;

/// <summary>A grain that is placed where its model is, where its prefix may be cached, and where there is room.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class PlaceByLoadAttribute() : PlacementAttribute(new PlaceByLoad());

/// <summary>See <see cref="PlaceByLoadAttribute"/>.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.PlaceByLoad")]
public sealed class PlaceByLoad : PlacementStrategy;
