using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace SmolCluster.Gateway;

/// <summary>Where this gateway listens. Asked each time: a server with several addresses may take requests at the first before it
/// has bound the last.</summary>
internal sealed class BoundAddresses(IServer server)
{
    /// <summary>Whether only this machine reaches it.</summary>
    public bool AreLocal => server.Features.Get<IServerAddressesFeature>()?.Addresses.All(url => IsLocal(BindingAddress.Parse(url))) ?? false;

    public static bool IsLocal(string host) => host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static bool IsLocal(BindingAddress bound) => bound.IsUnixPipe || bound.IsNamedPipe || IsLocal(bound.Host);
}
