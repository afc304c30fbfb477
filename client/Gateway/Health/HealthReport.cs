namespace SmolCluster.Gateway.Health;

/// <param name="Status">live; ready, loading, failed, connecting or unreachable.</param>
internal sealed record HealthReport(string Status, IReadOnlyList<ModelHealth> Models, string? Problem);

/// <param name="Progress">0 to 1 while loading.</param>
internal sealed record ModelHealth(string Id, string Kind, string State, double Progress, string? Problem);
