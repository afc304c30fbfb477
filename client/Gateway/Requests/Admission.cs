using Microsoft.Extensions.Options;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Requests;

/// <summary>Who may come in: so many requests at a time as <see cref="GatewayOptions.MaxOpenRequests"/> says, and of one caller as many
/// as are then still free, the rule of the silos' own waiting lines: nobody, however many requests they send, leaves no place for
/// others, and what waits is bounded.</summary>
internal sealed class Admission(IOptions<GatewayOptions> options)
{
    private static readonly TimeSpan SoonAgain = TimeSpan.FromSeconds(2);

    private readonly Lock guard = new();
    private readonly Dictionary<string, int> callers = [];
    private int open;

    /// <summary>A place until it is disposed.</summary>
    /// <exception cref="ApiException">429: all are taken, or as many as this caller may have.</exception>
    public IDisposable Enter(string caller)
    {
        int most = options.Value.MaxOpenRequests;
        lock (guard)
        {
            int own = callers.GetValueOrDefault(caller);
            if (open >= most)
                throw Full($"This gateway has {open} requests open, the most it takes (Gateway:MaxOpenRequests). Try again shortly.");
            if (own >= most - open)
                throw Full($"{own} of your requests are open at this gateway already; of its {most} places the rest are kept for others. Try again when some have ended.");
            open++;
            callers[caller] = own + 1;
        }
        return new Place(this, caller);
    }

    private void Leave(string caller)
    {
        lock (guard)
        {
            open--;
            if (--callers[caller] == 0)
                callers.Remove(caller);
        }
    }

    private static ApiException Full(string message) =>
        new(new(StatusCodes.Status429TooManyRequests, message, "rate_limit_error", null, "too_many_requests", SoonAgain));

    private sealed class Place(Admission admission, string caller) : IDisposable
    {
        public void Dispose() => admission.Leave(caller);
    }
}
