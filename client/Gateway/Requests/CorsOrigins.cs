using Microsoft.Extensions.Options;

namespace SmolCluster.Gateway.Requests;

/// <summary>Web pages of configured origins may call the API. Keys travel in headers that a page sets itself, never in cookies, so no
/// origin needs credentials.</summary>
internal static class CorsOrigins
{
    private static readonly string[] Readable =
    [
        RequestIds.Header, "retry-after", "x-smolcluster-seed", "x-smolcluster-silo",
        .. from kind in new[] { "limit", "remaining", "reset" } from what in new[] { "requests", "tokens", "tokens-day", "concurrent" } select $"x-ratelimit-{kind}-{what}",
    ];

    public static void UseCorsOrigins(this WebApplication app)
    {
        var origins = app.Services.GetRequiredService<IOptions<GatewayOptions>>().Value.CorsOrigins;
        if (origins.Count > 0)
            app.UseCors(policy => policy.WithOrigins([.. origins]).AllowAnyHeader().AllowAnyMethod().WithExposedHeaders(Readable)
                .SetPreflightMaxAge(TimeSpan.FromHours(1)));
    }
}
