using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Cluster;

/// <summary>The cluster at one moment. Tokens are counted from each process's start on: two looks give a rate.</summary>
/// <param name="At">Of this look, Unix milliseconds.</param>
/// <param name="MayDrain">Whether who asks may have a silo leave; users are named to them alone.</param>
/// <param name="Dashboard">Whether Orleans' own is beside this gateway, at /orleans.</param>
internal sealed record ClusterObject(long At, bool MayDrain, bool Dashboard, IReadOnlyList<SiloObject> Silos, IReadOnlyList<UserObject>? Users, int UserCount)
{
    public string Object { get; } = "cluster";

    public static ClusterObject Of(IReadOnlyList<SiloView> silos, DateTimeOffset now, bool mayOperate, bool dashboard)
    {
        var users = silos.SelectMany(silo => silo.Models).SelectMany(model => model.Users).GroupBy(user => user.User, StringComparer.Ordinal)
            .Select(own => new UserObject(own.Key, own.Sum(user => user.Running), own.Sum(user => user.Waiting)))
            .OrderByDescending(user => user.Running + user.Waiting).ThenBy(user => user.Name, StringComparer.Ordinal).ToList();
        return new(now.ToUnixTimeMilliseconds(), mayOperate, mayOperate && dashboard, [.. silos.Select(SiloObject.Of)], mayOperate ? users : null, users.Count);
    }
}

/// <param name="Answers">Whether it told of its models in time.</param>
internal sealed record SiloObject(string Name, string Address, string Status, long StartedAt, bool Answers, long ResidentBytes, IReadOnlyList<ModelObject> Models)
{
    public static SiloObject Of(SiloView silo) => new(silo.Name, silo.Address, silo.Status, silo.Started.ToUnixTimeSeconds(), silo.Answers, silo.ResidentBytes,
        [.. silo.Models.Select(ModelObject.Of)]);
}

/// <param name="Running">Answers in the batch.</param>
/// <param name="Waiting">Answers whose turn has not come.</param>
internal sealed record ModelObject(string Id, string Kind, string State, double Progress, string? Problem, int Running, int Waiting, int Pages, int UsedPages,
    int IdlePages, long PromptTokens, long CachedTokens, long SampledTokens)
{
    public static ModelObject Of(ModelView model) => new(model.Id, model.Kind, model.State, model.Progress, model.Problem, model.Running, model.Waiting,
        model.Pages, model.UsedPages, model.IdlePages, model.PromptTokens, model.CachedTokens, model.SampledTokens);
}

internal sealed record UserObject(string Name, int Running, int Waiting);
