using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace SmolCluster.Gateway.Requests;

/// <summary>Bounds on connections: one that is half open, or sends a drop now and then, ends.</summary>
internal static class TransportLimits
{
    public static void Apply(KestrelServerOptions server, IOptions<GatewayOptions> options)
    {
        var gateway = options.Value;
        var slowest = gateway.LeastBytesPerSecond > 0 ? new MinDataRate(gateway.LeastBytesPerSecond, gateway.SlowGrace) : null;
        server.AddServerHeader = false;
        server.Limits.RequestHeadersTimeout = gateway.HeadersTimeout;
        server.Limits.MinRequestBodyDataRate = slowest;
        server.Limits.MinResponseDataRate = null; // StallLimit has the better measure
        server.Limits.MaxConcurrentConnections = gateway.MaxConnections;
    }
}
