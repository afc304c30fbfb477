using SmolCluster.Contracts;

namespace SmolCluster.Grains;

/// <summary>See <see cref="IKeyGrain"/>. A gateway that has not told for some seconds is gone, and so are the requests that ran there.</summary>
internal sealed class KeyGrain(TimeProvider time) : Grain, IKeyGrain
{
    private static readonly TimeSpan s_gone = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, (int Running, long Told)> _gateways = new(StringComparer.Ordinal);
    private KeyBudgets? _budgets;

    public Task<KeyShare> Share(string gateway, KeyReport report)
    {
        if (_budgets?.Bounds != report.Bounds)
            _budgets = new(report.Bounds, time);
        _budgets.Take(report.Requests, report.Tokens);
        // a gateway knows of more use than is counted here only where this activation is younger than that
        _budgets.LowerTo(report.Known);
        _gateways[gateway] = (report.Running, time.GetTimestamp());
        foreach (string gone in _gateways.Where(each => time.GetElapsedTime(each.Value.Told) > s_gone).Select(static each => each.Key).ToList())
            _gateways.Remove(gone);
        return Task.FromResult(new KeyShare(_budgets.Left, _gateways.Where(each => each.Key != gateway).Sum(static each => each.Value.Running)));
    }
}
