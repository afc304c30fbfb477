using Microsoft.Extensions.Options;

namespace SmolCluster.Gateway.Requests;

/// <summary>Holds every request that asks for work (every POST) within bounds: a place among those that are open, and a time.</summary>
internal static class RequestBounds
{
    /// <summary>After the middleware that writes errors.</summary>
    public static void UseRequestBounds(this WebApplication app)
    {
        var admission = app.Services.GetRequiredService<Admission>();
        var options = app.Services.GetRequiredService<IOptions<GatewayOptions>>();
        var time = app.Services.GetRequiredService<TimeProvider>();
        app.Use(async (http, next) =>
        {
            if (!HttpMethods.IsPost(http.Request.Method))
            {
                await next(http);
                return;
            }
            using var place = admission.Enter($"address:{http.Connection.RemoteIpAddress}");
            using var deadline = Deadline.Begin(http, options.Value.RequestLimit, time);
            await next(http);
        });
    }
}
