using System.Globalization;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Chat;

/// <summary>Until when an answer is worth anything: its client is there, and its time is not over. The token is cancelled at the end
/// of either, and with it the work in the cluster.</summary>
internal sealed class Deadline : IDisposable
{
    private const string Header = "X-Request-Timeout";

    public static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    private readonly CancellationTokenSource over;
    private readonly CancellationTokenSource either;
    private readonly TimeSpan? limit;

    private Deadline(TimeSpan? limit, TimeProvider time, CancellationToken left)
    {
        this.limit = limit;
        over = limit is { } wait ? new(wait, time) : new();
        either = CancellationTokenSource.CreateLinkedTokenSource(over.Token, left);
    }

    public CancellationToken Token => either.Token;

    public bool Passed => over.IsCancellationRequested;

    public ApiError Error => ApiError.Server(StatusCodes.Status504GatewayTimeout, "deadline_exceeded",
        $"The answer was not complete within {limit?.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s ({Header}, or the gateway's RequestLimit), and is dropped. "
        + "Allow more time, or ask for fewer tokens.");

    /// <summary>From now on; lives as long as the response.</summary>
    /// <param name="most">However long the request allows.</param>
    /// <exception cref="ApiException">400: the header is no number of seconds.</exception>
    public static Deadline Of(HttpContext http, TimeSpan? most, TimeProvider time)
    {
        var asked = Asked(http.Request.Headers[Header]);
        var deadline = new Deadline(asked < most || most is null ? asked : most, time, http.RequestAborted);
        http.Response.RegisterForDispose(deadline);
        return deadline;
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
