using Microsoft.Extensions.Options;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Chat;

/// <summary>Who may come in: so many requests at a time as <see cref="GatewayOptions.MaxOpenRequests"/> says, and of one user as many as
/// are then still free, the rule of the silos' own waiting lines: nobody, however many requests they send, leaves no place for
/// others, and what waits is bounded.</summary>
internal sealed class Admission(IOptions<GatewayOptions> options)
{
    private static readonly TimeSpan SoonAgain = TimeSpan.FromSeconds(2);

    private readonly Lock guard = new();
    private readonly Dictionary<string, int> users = [];
    private int open;

    /// <summary>A place until the response is complete.</summary>
    /// <exception cref="ApiException">429: all are taken.</exception>
    public Place Enter(HttpContext http)
    {
        int most = options.Value.MaxOpenRequests;
        lock (guard)
        {
            if (open >= most)
                throw Full($"This gateway has {open} requests open, the most it takes. Try again shortly.");
            open++;
        }
        var place = new Place(this);
        http.Response.RegisterForDispose(place);
        return place;
    }

    private void Take(string user)
    {
        int most = options.Value.MaxOpenRequests;
        lock (guard)
        {
            int own = users.GetValueOrDefault(user), free = most - open + 1;
            if (own >= free)
                throw Full($"{own} of your requests are open here already; of {most} places the rest are kept for others. Try again when some have ended.");
            users[user] = own + 1;
        }
    }

    private void Leave(string? user)
    {
        lock (guard)
        {
            open--;
            if (user is not null && --users[user] == 0)
                users.Remove(user);
        }
    }

    private double WeightOf(string user) => options.Value.Weights.GetValueOrDefault(user[(user.IndexOf(':') + 1)..], 1);

    private static ApiException Full(string message) =>
        new(new(StatusCodes.Status429TooManyRequests, message, "rate_limit_error", null, "too_many_requests", SoonAgain));

    /// <summary>One of the places.</summary>
    internal sealed class Place(Admission admission) : IDisposable
    {
        private string? user;

        /// <summary>The call with its user's weight, once it is known whose it is.</summary>
        /// <exception cref="ApiException">429: the user has as many as one may have.</exception>
        public ChatCall For(ChatCall call)
        {
            admission.Take(call.Request.User);
            user = call.Request.User;
            return call with { Request = call.Request with { Weight = admission.WeightOf(user) } };
        }

        public void Dispose() => admission.Leave(user);
    }
}
