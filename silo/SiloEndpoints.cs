using System.Net;
using Microsoft.AspNetCore.Http.HttpResults;
using Orleans.Dashboard;
using SmolCluster.Contracts;
using SmolCluster.Grains;

namespace SmolCluster.Silo;

/// <summary>What a silo says over HTTP: whether it lives, whether it can answer, and Orleans' dashboard.</summary>
public static class SiloEndpoints
{
    private const string DashboardPath = "/orleans";

    private static readonly string[] s_proxyHeaders = ["Forwarded", "Via", "X-Real-IP"];

    /// <summary>/health/live: 200 while the process answers. /health/ready: 200 once a model can answer, or a part of it is computed here
    /// for another silo, else 503, with every model's state either way.</summary>
    public static void MapSiloHealth(this IEndpointRouteBuilder app)
    {
        app.MapGet("/health/live", () => TypedResults.Ok(new { status = "live" }));
        app.MapGet("/health/ready", Ready);
    }

    /// <summary>/orleans, for this machine only: the dashboard has no authentication of its own. The host name is checked too,
    /// against a page with a rebound name, and what names itself a proxy is refused. A proxy on this machine that rewrites Host
    /// and adds no forwarding header looks like a person here: its operator must keep /orleans out of it.
    /// <para>Made at its first visit: the package copies 17 MB of assets into memory and compresses them when it is mapped,
    /// half of what a silo without a model takes, and most silos are never looked at.</para></summary>
    public static void MapSiloDashboard(this IEndpointRouteBuilder app)
    {
        var dashboard = new Lazy<RequestDelegate>(() => Dashboard(app.ServiceProvider));
        app.Map(DashboardPath + "/{**rest}", context =>
        {
            if (!IsLocal(context))
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }

            context.SetEndpoint(null); // this one; the dashboard's own routes are matched next
            return dashboard.Value(context);
        }).AllowAnonymous(); // beside a gateway with keys: a browser has none to send
    }

    private static RequestDelegate Dashboard(IServiceProvider services)
    {
        var app = new ApplicationBuilder(services);
        app.UseRouting();
        app.UseEndpoints(static endpoints => endpoints.MapOrleansDashboard(DashboardPath));
        return app.Build();
    }

    private static bool IsLocal(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
        && !context.Request.Headers.Keys.Any(IsFromProxy)
        && (context.Request.Host.Host is "localhost"
            || (IPAddress.TryParse(context.Request.Host.Host, out var host) && IPAddress.IsLoopback(host)));

    private static bool IsFromProxy(string header) =>
        header.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase)
        || s_proxyHeaders.Contains(header, StringComparer.OrdinalIgnoreCase);

    private static JsonHttpResult<SiloReadiness> Ready(ModelHost models)
    {
        var statuses = models.Statuses;
        var state = statuses.Any(model => model.State is "ready" or "stage") ? "ready"
            : statuses.Any(model => model.State == "loading") ? "loading"
            : "failed";
        return TypedResults.Json(new SiloReadiness(state, statuses), statusCode: state == "ready" ? 200 : 503);
    }

    private sealed record SiloReadiness(string Status, IReadOnlyList<ModelStatus> Models);
}
