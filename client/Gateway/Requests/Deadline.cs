using System.Globalization;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Requests;

/// <summary>Until when a request's answer is worth anything: its client is there, and its time is not over. The token is cancelled at
/// the end of either, and with it the work in the cluster. It flows with the request's calls, as Orleans' request context does, so
/// that no endpoint has to carry it.</summary>
internal sealed class Deadline : IDisposable
{
    private const string Header = "X-Request-Timeout";

    public static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private static readonly AsyncLocal<Deadline?> s_current = new();

    private readonly CancellationTokenSource over;
    private readonly CancellationTokenSource either;
    private readonly TimeSpan limit;

    private Deadline(TimeSpan limit, TimeProvider time, CancellationToken left)
    {
        this.limit = limit;
        over = new(limit, time);
        either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, left);
    }

    /// <summary>Of the request that is being answered; null: it has as much time as its answer takes.</summary>
    public static Deadline? Current => s_current.Value;

    public CancellationToken Token => either.Token;

    public bool Passed => over.IsCancellationRequested;

    public ApiError Error => ApiError.Server(StatusCodes.Status504GatewayTimeout, "deadline_exceeded",
        $"The answer was not complete within {limit.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s ({Header}, or the gateway's RequestLimit), and is dropped. "
        + "Allow more time, or ask for fewer tokens.");

    /// <summary>From now on, for the calls that the current method makes.</summary>
    /// <param name="most">However long the request allows; null: as long as it allows.</param>
    /// <returns>Null: neither says anything.</returns>
    /// <exception cref="ApiException">400: the header is no number of seconds.</exception>
    public static Deadline? Begin(HttpContext http, TimeSpan? most, TimeProvider time)
    {
        var asked = Asked(http.Request.Headers[Header]);
        var shorter = asked < most || most is null ? asked : most;
        return s_current.Value = shorter is { } limit ? new Deadline(limit, time, http.RequestAborted) : null;
    }

    public void Dispose()
    {
        either.Dispose();
        over.Dispose();
    }

    private static TimeSpan? Asked(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return null;
        return double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double seconds) && seconds >= 0.001 && seconds <= Longest.TotalSeconds
            ? TimeSpan.FromSeconds(seconds)
            : throw new ApiException(ApiError.Invalid(Header, "invalid_value",
                $"Invalid '{Header}': expected seconds, above 0 and at most {Longest.TotalSeconds}, such as 30 or 2.5."));
    }
}
