using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway;

/// <summary>Against DNS rebinding: a web page whose name is made to resolve to 127.0.0.1 shares an origin with a gateway there,
/// and could chat and read answers. Its requests still carry the page's name as Host, so a gateway that only this machine
/// reaches answers to this machine's names alone. One that is bound elsewhere is reached by names it cannot know, and whoever
/// sets AllowedHosts has said which: there ASP.NET Core's own filter stands.</summary>
internal static class LocalNames
{
    /// <summary>Refuses requests for other hosts with 403, where it applies.</summary>
    public static void UseLocalNamesOnLoopback(this WebApplication app)
    {
        if (!string.IsNullOrWhiteSpace(app.Configuration["AllowedHosts"]))
            return;
        var bound = app.Services.GetRequiredService<BoundAddresses>();
        app.Use((http, next) => BoundAddresses.IsLocal(http.Request.Host.Host) || !bound.AreLocal ? next(http)
            : throw new ApiException(Refusal(http.Request.Host.Value)));
    }

    private static ApiError Refusal(string? host) => ApiError.Request(StatusCodes.Status403Forbidden, "host_not_allowed",
        $"This gateway is bound to this machine only and answers as localhost, 127.0.0.1 and [::1], but the request is for host '{host}'. "
        + "If a proxy passes that name on, set AllowedHosts to it (names separated by ';'; '*' for any).");
}
