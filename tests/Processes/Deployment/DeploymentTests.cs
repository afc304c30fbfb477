using System.Text.RegularExpressions;
using SmolCluster.Contracts;
using SmolCluster.Engine.Tests;
using YamlDotNet.RepresentationModel;

namespace SmolCluster.Processes.Tests.Deployment;

/// <summary>The files under aspire/deploy name things of the programs (variables, ports, paths, times): here they are held against them.</summary>
public sealed partial class DeploymentTests
{
    private const int SiloPort = 11111;
    private const int GatewayPort = 30000;
    private const int HttpPort = 8080; // of Microsoft's base images

    private static readonly string Folder = Path.Combine(TestData.RepositoryRoot, "aspire", "deploy");

    private static IReadOnlyList<YamlMappingNode> Kubernetes { get; } = [.. Directory.GetFiles(Path.Combine(Folder, "kubernetes"), "*.yaml").Order().SelectMany(Documents)];

    private static YamlMappingNode Compose { get; } = Documents(Path.Combine(Folder, "compose.yaml")).Single();

    public static TheoryData<string> Files =>
        [.. Directory.GetFiles(Folder, "*", SearchOption.AllDirectories).Where(static file => !file.EndsWith(".md", StringComparison.Ordinal)).Select(static file => Path.GetRelativePath(Folder, file)).Order()];

    [Theory, MemberData(nameof(Files))]
    public void File_EveryVariable_IsOneThatANodeReads(string file)
    {
        var unknown = Variable().Matches(File.ReadAllText(Path.Combine(Folder, file))).Select(static match => match.Value.TrimEnd('*', '_')).Distinct()
            .Where(static name => !ConfigurationReference.Knows(name) && name != "SmolCluster__Tls");
        Assert.Empty(unknown);
    }

    [Fact]
    public void ClusterEnv_AndKubernetes_SayTheSame()
    {
        var lines = File.ReadAllLines(Path.Combine(Folder, "cluster.env")).Where(static line => line.Contains('=') && !line.StartsWith('#'));
        var literals = Texts(At(Kubernetes.Single(static one => Kind(one) == "Kustomization"), "configMapGenerator", "0", "literals"));
        Assert.Equal(lines.Select(WithoutAddress), literals.Select(WithoutAddress));

        static string WithoutAddress(string line) => line.StartsWith("ConnectionStrings__", StringComparison.Ordinal) ? line.Split('=')[0] : line;
    }

    [Fact]
    public void Kustomization_EveryFile_IsThere()
    {
        var listed = Texts(At(Kubernetes.Single(static one => Kind(one) == "Kustomization"), "resources"));
        Assert.Equal(Directory.GetFiles(Path.Combine(Folder, "kubernetes"), "*.yaml").Select(Path.GetFileName).Where(static file => file != "kustomization.yaml").Order(), listed.Order());
    }

    [Theory]
    [InlineData("silo", 15)]
    [InlineData("gateway", 5)]
    public void Deployment_ProbesAndGrace_FitTheProgram(string name, int preparation)
    {
        var pod = At(Kubernetes.Single(one => Kind(one) == "Deployment" && Text(one, "metadata", "name") == name), "spec", "template", "spec");
        var container = At(pod, "containers", "0");
        Assert.Equal(["/health/live", "/health/ready"], [Text(container, "livenessProbe", "httpGet", "path"), Text(container, "readinessProbe", "httpGet", "path")]);
        Assert.Equal($"smolcluster-{name}:{Version}", Text(container, "image"));
        var ports = ((YamlSequenceNode)At(container, "ports")).ToDictionary(static port => Text(port, "name"), static port => int.Parse(Text(port, "containerPort")));
        Assert.Equal(HttpPort, ports["http"]);
        if (name == "silo")
            Assert.Equal((SiloPort, GatewayPort, Liveness.DrainLimit.TotalSeconds), (ports["silo"], ports["orleans-gateway"], preparation));
        Assert.True(int.Parse(Text(pod, "terminationGracePeriodSeconds")) >= preparation + 10);
        Assert.Single(Kubernetes, one => Kind(one) == "PodDisruptionBudget" && Text(one, "spec", "selector", "matchLabels", "app") == name);
    }

    [Fact]
    public void Autoscaler_Metric_IsTheQueueOfSilos()
    {
        var scaler = At(Kubernetes.Single(static one => Kind(one) == "HorizontalPodAutoscaler"), "spec");
        Assert.Equal(("silo", "smolcluster_engine_queue_length"), (Text(scaler, "scaleTargetRef", "name"), Text(scaler, "metrics", "0", "pods", "metric", "name")));
    }

    [Fact]
    public void Compose_Silos_HaveTheirOwnAddressesAndTimeToDrain()
    {
        var services = (YamlMappingNode)At(Compose, "services");
        var silos = services.Children.Where(static service => ((YamlScalarNode)service.Key).Value!.StartsWith("silo-", StringComparison.Ordinal)).Select(static service => service.Value).ToList();
        Assert.Equal(3, silos.Count);
        Assert.All(silos, static silo => Assert.Equal(Text(silo, "environment", "Orleans__Endpoints__AdvertisedIPAddress"), Text(silo, "networks", "cluster", "ipv4_address")));
        Assert.Equal(3, silos.Select(static silo => Text(silo, "networks", "cluster", "ipv4_address")).Distinct().Count());
        Assert.True(int.Parse(Text(Compose, "x-silo", "stop_grace_period").TrimEnd('s')) > Liveness.DrainLimit.TotalSeconds);
        Assert.Equal(["smolcluster-silo:" + Version, "smolcluster-gateway:" + Version], [Text(Compose, "x-silo", "image"), Text(At(services, "gateway"), "image")]);
        Assert.Equal($"127.0.0.1:8080:{HttpPort}", Text(At(services, "gateway"), "ports", "0")); // it is open: nobody else may reach it
    }

    [Theory]
    [InlineData("silo", "SmolCluster.Silo")]
    [InlineData("gateway", "SmolCluster.Gateway")]
    public void Unit_Program_IsBuiltUnderThatNameAndHasTimeToDrain(string unit, string assembly)
    {
        string[] lines = File.ReadAllLines(Path.Combine(Folder, "systemd", $"smolcluster-{unit}.service"));
        Assert.StartsWith($"/opt/smolcluster/{unit}/{assembly} ", lines.Single(static line => line.StartsWith("ExecStart=", StringComparison.Ordinal))["ExecStart=".Length..], StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(AppContext.BaseDirectory, assembly + ".dll")));
        Assert.True(int.Parse(lines.Single(static line => line.StartsWith("TimeoutStopSec=", StringComparison.Ordinal))["TimeoutStopSec=".Length..]) > Liveness.DrainLimit.TotalSeconds);
    }

    private static string Version { get; } = typeof(Liveness).Assembly.GetName().Version!.ToString(3);

    private static string Kind(YamlNode node) => Text(node, "kind");

    private static IEnumerable<YamlMappingNode> Documents(string file)
    {
        var stream = new YamlStream();
        using var text = new StreamReader(file);
        stream.Load(text);
        return stream.Documents.Select(static document => (YamlMappingNode)document.RootNode);
    }

    private static YamlNode At(YamlNode node, params string[] path) => path.Aggregate(node, static (at, step) =>
        at is YamlSequenceNode sequence ? sequence.Children[int.Parse(step)] : at[step]);

    private static string Text(YamlNode node, params string[] path) => ((YamlScalarNode)At(node, path)).Value!;

    private static IEnumerable<string> Texts(YamlNode node) => ((YamlSequenceNode)node).Select(static item => ((YamlScalarNode)item).Value!);

    [GeneratedRegex(@"\b(SmolCluster|Gateway|Orleans|ConnectionStrings)__\w+")]
    private static partial Regex Variable();
}
