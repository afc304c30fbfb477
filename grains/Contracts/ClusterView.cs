namespace SmolCluster.Contracts;

/// <summary>The cluster as its operators see it.</summary>
[Alias("SmolCluster.IClusterGrain")]
public interface IClusterGrain : IGrainWithIntegerKey
{
    /// <summary>Every silo that is not dead, in order of name; one that does not answer in time comes without models.</summary>
    [Alias("View")]
    Task<IReadOnlyList<SiloView>> View();

    /// <summary>Has a silo leave the cluster: it takes nothing new, hands over what it does, and ends its process.</summary>
    /// <param name="silo">Its name.</param>
    /// <returns>False: there is no active silo of this name.</returns>
    [Alias("Drain")]
    Task<bool> Drain(string silo);
}

/// <param name="Address">Where other silos reach it.</param>
/// <param name="Status">Orleans' word: Joining, Active, ShuttingDown, Stopping.</param>
/// <param name="Answers">Whether it told of its models.</param>
/// <param name="ResidentBytes">Of its process.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.SiloView")]
public sealed record SiloView(
    [property: Id(0)] string Name,
    [property: Id(1)] string Address,
    [property: Id(2)] string Status,
    [property: Id(3)] DateTimeOffset Started,
    [property: Id(4)] bool Answers,
    [property: Id(5)] long ResidentBytes,
    [property: Id(6)] IReadOnlyList<ModelView> Models);

/// <summary>A silo's model at work. Tokens are counted from the process's start on: two looks give a rate.</summary>
/// <param name="Running">Answers in the batch.</param>
/// <param name="Waiting">Answers whose prompt's turn has not come.</param>
/// <param name="Pages">Of the KV cache, at most; 0: it has none.</param>
/// <param name="UsedPages">Held by answers.</param>
/// <param name="IdlePages">Held by nobody, kept for prompts that begin alike.</param>
/// <param name="PromptTokens">Of all prompts whose turn has come.</param>
/// <param name="CachedTokens">Of these, those that were there already.</param>
/// <param name="SampledTokens">Of all answers.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.ModelView")]
public sealed record ModelView(
    [property: Id(0)] string Id,
    [property: Id(1)] string Kind,
    [property: Id(2)] string State,
    [property: Id(3)] double Progress,
    [property: Id(4)] string? Problem,
    [property: Id(5)] int Running,
    [property: Id(6)] int Waiting,
    [property: Id(7)] int Pages,
    [property: Id(8)] int UsedPages,
    [property: Id(9)] int IdlePages,
    [property: Id(10)] long PromptTokens,
    [property: Id(11)] long CachedTokens,
    [property: Id(12)] long SampledTokens,
    [property: Id(13)] IReadOnlyList<UserLoad> Users);

/// <summary>What one user has at a model now.</summary>
[GenerateSerializer, Immutable, Alias("SmolCluster.UserLoad")]
public sealed record UserLoad([property: Id(0)] string User, [property: Id(1)] int Running, [property: Id(2)] int Waiting);
