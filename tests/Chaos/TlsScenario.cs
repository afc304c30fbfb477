using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Json;

namespace SmolCluster.Chaos;

/// <summary>A cluster whose nodes know each other by certificates: it answers, and silos reach each other; a gateway with another authority's
/// certificate and one without any come in nowhere, and the logs say why.</summary>
internal sealed class TlsScenario(ClusterProcesses cluster)
{
    private const string Refused = "Refused a connection between nodes";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    public async Task<int> RunAsync(IReadOnlyList<Question> questions, CancellationToken cancellation)
    {
        var client = new StreamClient(cluster);
        var tally = new Tally();
        HashSet<string> silos = [];
        await Task.WhenAll(questions.Select(async question =>
        {
            var progress = new Progress { Gateway = cluster.Gateways[0] };
            tally.Add(question, await client.AskAsync(question, progress, static () => { }, cancellation), "over TLS");
            lock (silos)
                silos.Add(progress.Silo);
        }));
        Console.WriteLine($"{tally.Line}, by {string.Join(" and ", silos.Order())}");
        int active = await ActiveSilosAsync(cancellation);
        Console.WriteLine($"{active} silos are members and tell what they do");

        using var another = NodePems.Create("another cluster");
        string stranger = cluster.AddGateway(another.Settings), plain = cluster.AddGateway();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        Console.WriteLine($"{stranger}: {await LineAsync(stranger, Refused, limit.Token)}");
        await IntrudeAsync(another, limit.Token);
        Console.WriteLine($"silo-1: {await LineAsync("silo-1", Refused, limit.Token)}");
        await LineAsync(stranger, "No silo of the cluster answers yet", limit.Token);
        await LineAsync(plain, "No silo of the cluster answers yet", limit.Token);
        bool kept = !await cluster.IsReadyAsync(stranger, limit.Token) && !await cluster.IsReadyAsync(plain, limit.Token) && await cluster.IsReadyAsync(cluster.Gateways[0], limit.Token);
        Console.WriteLine(kept ? $"{stranger} (certificate of another authority) and {plain} (none) were kept out" : "  FAILED: a stranger came in");
        return kept && tally.Clean && active == cluster.Silos.Count ? 0 : 1;
    }

    /// <summary>Each silo is asked by another: which of them answers questions is placement's choice.</summary>
    private async Task<int> ActiveSilosAsync(CancellationToken cancellation)
    {
        using var view = JsonDocument.Parse(await ClusterProcesses.Http.GetStringAsync($"{cluster.Url(cluster.Gateways[0])}/v1/cluster", cancellation));
        return view.RootElement.GetProperty("silos").EnumerateArray().Count(static silo => silo.GetProperty("answers").GetBoolean());
    }

    /// <summary>Whoever does not care who answers still has to show a certificate of this cluster.</summary>
    private async Task IntrudeAsync(NodePems another, CancellationToken cancellation)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, cluster.PortForGateways("silo-1"), cancellation);
        await using var tls = new SslStream(connection.GetStream(), leaveInnerStreamOpen: false, static (_, certificate, _, _) => certificate is not null);
        using var certificate = another.Load();
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "any", ClientCertificates = [certificate] }, cancellation);
            await tls.ReadExactlyAsync(new byte[1], cancellation);
            throw new InvalidOperationException("A stranger's certificate was taken.");
        }
        catch (Exception refused) when (refused is IOException or AuthenticationException)
        {
            // as it must be
        }
    }

    /// <summary>The first line of a node's log with these words, as soon as there is one.</summary>
    private async Task<string> LineAsync(string node, string words, CancellationToken cancellation)
    {
        while (true)
        {
            if (cluster.Log(node).Split('\n').FirstOrDefault(line => line.Contains(words, StringComparison.Ordinal)) is { } found)
                return found.Trim();
            await Task.Delay(200, cancellation);
        }
    }
}
