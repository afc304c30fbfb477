using System.Net;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Keys;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Cluster;

/// <summary>GET /v1/cluster: silos, their models and what they do now. POST /v1/cluster/silos/{name}/drain: a silo leaves. Who asks
/// and who may drain is decided here: a person on this machine, or a key with the scope admin.</summary>
internal static class ClusterApi
{
    private static readonly HashSet<string> DrainFields = ["confirm"];
    private static readonly string[] ProxyHeaders = ["Forwarded", "Via", "X-Real-IP"];

    public static void MapCluster(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/cluster", View);
        routes.MapPost("/v1/cluster/silos/{name}/drain", Drain);
    }

    private static async Task<JsonHttpResult<ClusterObject>> View(HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models, TimeProvider time)
    {
        models.ThrowIfConnecting();
        var silos = await grains.GetGrain<IClusterGrain>(0).View();
        return TypedResults.Json(ClusterObject.Of(silos, time.GetUtcNow(), MayOperate(http), HasDashboard(http)), GatewayJson.Default.ClusterObject);
    }

    /// <summary>The body repeats the silo's name: a drain is meant, or it does not happen.</summary>
    private static async Task<JsonHttpResult<ClusterObject>> Drain(string name, HttpContext http, [FromServices] IGrainFactory grains, ModelDirectory models,
        IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        if (!MayOperate(http))
            throw new ApiException(ApiError.Request(StatusCodes.Status403Forbidden, "not_allowed",
                "Draining a silo is for keys with the scope admin and, without keys, for people on the gateway's own machine (127.0.0.1 or localhost, without a proxy in between)."));
        using var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes);
        var request = new RequestObject(body.RootElement);
        request.RefuseUnknown(DrainFields);
        if (request.Text("confirm", 256) != name)
            throw RequestObject.Refuse("confirm", "invalid_value", $"Invalid 'confirm': expected the silo's name, '{name}', because a drained silo ends its process.");
        if (!await grains.GetGrain<IClusterGrain>(0).Drain(name))
            throw new ApiException(ApiError.Request(StatusCodes.Status404NotFound, "silo_not_found", $"There is no active silo '{name}' in this cluster."));
        return await View(http, grains, models, time);
    }

    private static bool HasDashboard(HttpContext http) => http.RequestServices.GetRequiredService<EndpointDataSource>().Endpoints
        .Any(endpoint => endpoint is RouteEndpoint { RoutePattern.RawText: { } pattern } && pattern.StartsWith("/orleans", StringComparison.Ordinal));

    private static bool MayOperate(HttpContext http) =>
        http.User.HasClaim(static claim => claim.Type == Caller.KeyIdClaim) ? http.User.HasClaim(KeyAuthentication.ScopeClaim, KeyScopes.Admin) : IsHere(http);

    /// <summary>A person on this machine: see the dashboard's rule in the silo.</summary>
    private static bool IsHere(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
        && !http.Request.Headers.Keys.Any(header => header.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase)
            || ProxyHeaders.Contains(header, StringComparer.OrdinalIgnoreCase))
        && (http.Request.Host.Host is "localhost" || (IPAddress.TryParse(http.Request.Host.Host, out var host) && IPAddress.IsLoopback(host)));
}
