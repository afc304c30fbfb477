using System.Security.Authentication;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Connections.Security;

namespace SmolCluster.ServiceDefaults;

/// <summary>Mutual TLS between the nodes of a cluster, silos and gateways alike: the section "SmolCluster:Tls" with Certificate, Key
/// and Authority, paths of PEM files. Who has a certificate of the cluster's own authority is a node, under whatever name; nobody
/// else is listened to. Without the section, connections are what they are without TLS. The HTTP side of a gateway is not
/// meant: that is Kestrel's section.</summary>
public static class NodeTls
{
    /// <summary>The configuration section.</summary>
    public const string Section = "SmolCluster:Tls";

    /// <summary>Nodes are known by their authority, not by a host's name; the protocol wants one said.</summary>
    private const string AnyNode = "node.smolcluster";

    /// <summary>What is wrong with the section, or null: for a program that says it in one message before it starts.</summary>
    public static string? NodeTlsProblem(this IConfiguration configuration)
    {
        try
        {
            using NodeCertificates? certificates = NodeCertificates.From(configuration.GetSection(Section));
            return null;
        }
        catch (IOException problem)
        {
            return problem.Message;
        }
    }

    /// <summary>For a silo's connections to silos and gateways.</summary>
    public static ISiloBuilder UseNodeTls(this ISiloBuilder silo)
    {
        if (!silo.Configuration.GetSection(Section).Exists())
        {
            return silo;
        }

        AddCertificates(silo.Services);
        silo.Services.AddOptions<SiloConnectionOptions>().Configure<NodeCertificates, ILoggerFactory>((connections, certificates, loggers) =>
        {
            TlsOptions tls = Options(certificates, loggers);
            connections.ConfigureSiloInboundConnection(connection => connection.UseServerTls(tls));
            connections.ConfigureGatewayInboundConnection(connection => connection.UseServerTls(tls));
            connections.ConfigureSiloOutboundConnection(connection => connection.UseClientTls(tls));
        });
        return silo;
    }

    /// <summary>For a gateway's connections to silos.</summary>
    public static IClientBuilder UseNodeTls(this IClientBuilder client)
    {
        if (!client.Configuration.GetSection(Section).Exists())
        {
            return client;
        }

        AddCertificates(client.Services);
        client.Services.AddOptions<ClientConnectionOptions>().Configure<NodeCertificates, ILoggerFactory>((connections, certificates, loggers) =>
        {
            TlsOptions tls = Options(certificates, loggers);
            connections.ConfigureConnection(connection => connection.UseClientTls(tls));
        });
        return client;
    }

    private static void AddCertificates(IServiceCollection services) => services.AddSingleton(static provider =>
        NodeCertificates.From(provider.GetRequiredService<IConfiguration>().GetSection(Section))!);

    private static TlsOptions Options(NodeCertificates certificates, ILoggerFactory loggers)
    {
        ILogger logger = loggers.CreateLogger(typeof(NodeTls).FullName!);
        return new()
        {
            LocalCertificate = certificates.Own,
            RemoteCertificateMode = RemoteCertificateMode.RequireCertificate,
            ClientCertificateMode = RemoteCertificateMode.RequireCertificate,
            SslProtocols = SslProtocols.Tls13,
            OnAuthenticateAsClient = static (_, client) => client.TargetHost = AnyNode,
            RemoteCertificateValidation = (certificate, chain, _) =>
            {
                if (certificates.ProblemWith(certificate, chain) is not { } problem)
                {
                    return true;
                }

                logger.LogWarning("Refused a connection between nodes: the certificate '{Subject}', issued by '{Issuer}', is not of this cluster's authority '{Authority}' ({Problem}). "
                    + "Give that node a certificate of this authority (SmolCluster:Tls:Certificate and Key).", certificate.Subject, certificate.Issuer, certificates.AuthorityName, problem);
                return false;
            },
        };
    }
}
