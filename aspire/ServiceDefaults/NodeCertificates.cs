using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Configuration;

namespace SmolCluster.ServiceDefaults;

/// <summary>A node's own certificate and the authority whose certificates it takes for nodes, read from PEM files once.</summary>
internal sealed class NodeCertificates : IDisposable
{
    private readonly X509Certificate2Collection _authority;

    private NodeCertificates(X509Certificate2 own, X509Certificate2Collection authority) => (Own, _authority) = (own, authority);

    public X509Certificate2 Own { get; }

    public string AuthorityName => string.Join("', '", _authority.Select(static certificate => certificate.Subject));

    /// <returns>Null: the section is not there.</returns>
    /// <exception cref="IOException">A path is missing, or its file cannot be used; the message says which and why.</exception>
    public static NodeCertificates? From(IConfigurationSection section)
    {
        if (!section.Exists())
        {
            return null;
        }

        string certificate = Path(section, "Certificate"), key = Path(section, "Key"), authority = Path(section, "Authority");
        X509Certificate2 own = Read($"{section.Path}:Certificate '{certificate}' with Key '{key}'", () => X509Certificate2.CreateFromPemFile(certificate, key));
        var trusted = new X509Certificate2Collection();
        Read($"{section.Path}:Authority '{authority}'", () =>
        {
            trusted.ImportFromPemFile(authority);
            return trusted.Count > 0 ? trusted : throw new CryptographicException("there is no certificate in it.");
        });
        var certificates = new NodeCertificates(own, trusted);
        return certificates.ProblemWith(own, null) is not { } problem ? certificates
            : throw new IOException($"{section.Path}: the node's own certificate '{own.Subject}' is not of the authority '{certificates.AuthorityName}' ({problem}).");
    }

    /// <summary>Why a certificate does not make its owner a node of this cluster, or null. The machine's own authorities count for nothing.</summary>
    /// <param name="sent">With the certificates between it and the authority, if it came with some.</param>
    public string? ProblemWith(X509Certificate2 certificate, X509Chain? sent)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        foreach (X509ChainElement between in sent?.ChainElements.Skip(1) ?? [])
        {
            chain.ChainPolicy.ExtraStore.Add(between.Certificate);
        }

        return chain.Build(certificate) ? null : string.Join("; ", chain.ChainStatus.Select(static status => status.StatusInformation.Trim()));
    }

    public void Dispose()
    {
        Own.Dispose();
        foreach (X509Certificate2 certificate in _authority)
        {
            certificate.Dispose();
        }
    }

    private static string Path(IConfigurationSection section, string name) => section[name] is { Length: > 0 } path ? path
        : throw new IOException($"{section.Path} is configured, but {section.Path}:{name} is not: it takes Certificate, Key and Authority, three paths of PEM files.");

    private static T Read<T>(string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception problem) when (problem is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{what} cannot be used: {problem.Message}", problem);
        }
    }
}
