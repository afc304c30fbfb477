using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SmolCluster.Chaos;

/// <summary>PEM files of an authority and of one certificate by it, in a folder that goes with this.</summary>
internal sealed class NodePems : IDisposable
{
    private static readonly OidCollection BothSides = [new("1.3.6.1.5.5.7.3.1"), new("1.3.6.1.5.5.7.3.2")];

    private readonly string folder = Directory.CreateTempSubdirectory("smol-tls-").FullName;

    private NodePems() { }

    /// <summary>Of a silo or gateway that has this certificate.</summary>
    public IReadOnlyDictionary<string, string> Settings => new Dictionary<string, string>
    {
        ["SmolCluster__Tls__Certificate"] = File("node.pem"),
        ["SmolCluster__Tls__Key"] = File("node.key"),
        ["SmolCluster__Tls__Authority"] = File("authority.pem"),
    };

    public static NodePems Create(string authority)
    {
        var pems = new NodePems();
        var (from, until) = (DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var root = new CertificateRequest($"CN={authority}", authorityKey, HashAlgorithmName.SHA256);
        root.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        root.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(root.PublicKey, false));
        using var rootCertificate = root.CreateSelfSigned(from, until);
        using var nodeKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var node = new CertificateRequest($"CN=a node of {authority}", nodeKey, HashAlgorithmName.SHA256);
        node.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(BothSides, false));
        using var nodeCertificate = node.Create(rootCertificate, from, until, RandomNumberGenerator.GetBytes(16));
        System.IO.File.WriteAllText(pems.File("authority.pem"), rootCertificate.ExportCertificatePem());
        System.IO.File.WriteAllText(pems.File("node.pem"), nodeCertificate.ExportCertificatePem());
        System.IO.File.WriteAllText(pems.File("node.key"), nodeKey.ExportPkcs8PrivateKeyPem());
        return pems;
    }

    /// <summary>The certificate with its key.</summary>
    public X509Certificate2 Load() => X509Certificate2.CreateFromPemFile(File("node.pem"), File("node.key"));

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string File(string name) => Path.Combine(folder, name);
}
