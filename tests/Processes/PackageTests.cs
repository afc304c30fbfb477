using System.IO.Compression;
using System.Xml.Linq;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>The packages that a release publishes, and <c>smol</c> as <c>dotnet tool install</c> leaves it on a machine.</summary>
public sealed class PackageTests
{
    private const string Version = "0.1.0";

    [Fact]
    public async Task Pack_Libraries_TellWhatTheyAreAndNeed()
    {
        RequireReleaseBuild();
        using TemporaryFolder feed = TestData.Temporary();
        (string Project, string[] Needs)[] libraries =
        [
            ("engine/SmolCluster.Engine", ["System.Numerics.Tensors"]),
            ("grains/Contracts/SmolCluster.Contracts", ["Microsoft.Orleans.Sdk"]),
            ("grains/Answering/SmolCluster.Answering", ["SmolCluster.Contracts", "SmolCluster.Engine"]),
            ("client/Chat/SmolCluster.Chat", ["Microsoft.Extensions.AI.Abstractions", "SmolCluster.Answering", "SmolCluster.Contracts", "SmolCluster.Engine"]),
        ];
        foreach ((string project, string[] needs) in libraries)
        {
            await Pack(project, feed);
            string id = Path.GetFileName(project);
            using ZipArchive package = ZipFile.OpenRead(feed.File($"{id}.{Version}.nupkg"));
            XElement facts = XDocument.Load(package.GetEntry($"{id}.nuspec")!.Open()).Root!.Elements().Single();
            Assert.Equal("MIT", Text(facts, "license"));
            Assert.Equal("README.md", Text(facts, "readme"));
            Assert.True(Text(facts, "description").Length > 40, id);
            string[] found = [.. facts.Descendants(facts.Name.Namespace + "dependency").Select(static one => one.Attribute("id")!.Value)];
            Assert.Empty(needs.Except(found));
            Assert.DoesNotContain(found, static other => other is "Microsoft.Orleans.Server" || other.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
            Assert.NotNull(package.GetEntry("README.md"));
            Assert.NotNull(package.GetEntry($"lib/net10.0/{id}.dll"));
            Assert.InRange(new FileInfo(feed.File($"{id}.{Version}.nupkg")).Length, 1, 3 << 20);
        }
    }

    [Fact]
    public async Task Pack_Tool_InstallsAndAnswers()
    {
        RequireReleaseBuild();
        using TemporaryFolder feed = TestData.Temporary();
        await Pack("client/Cli/SmolCluster.Cli", feed);
        await File.WriteAllTextAsync(feed.File("nuget.config"), $"""
            <configuration><packageSources><clear /><add key="local" value="{Path.GetDirectoryName(feed.File("x"))}" /></packageSources></configuration>
            """, TestContext.Current.CancellationToken);
        string tools = feed.File("tools");
        Outcome installed = await SmolProcess.RunShellAsync($"dotnet tool install SmolCluster.Tool --version {Version} --tool-path '{tools}' --configfile '{feed.File("nuget.config")}'");
        Assert.True(installed.ExitCode == 0, installed.Text + installed.Error);
        Outcome version = await SmolProcess.RunShellAsync($"'{tools}/smol' --version");
        Assert.StartsWith(Version, version.Text, StringComparison.Ordinal);
        Outcome answered = await SmolProcess.RunShellAsync($"cd / && '{tools}/smol' run -p Hello --temperature 0 < /dev/null");
        Assert.Equal((0, "Hi! What would you like to talk about?"), (answered.ExitCode, answered.Text.Trim()));
    }

    private static async Task Pack(string project, TemporaryFolder feed)
    {
        Outcome packed = await SmolProcess.RunShellAsync($"dotnet pack {project}.csproj -c Release --no-build --nologo -o '{Path.GetDirectoryName(feed.File("x"))}'");
        Assert.True(packed.ExitCode == 0, packed.Text + packed.Error);
        Assert.DoesNotContain("warning", packed.Text, StringComparison.Ordinal);
    }

    private static string Text(XElement facts, string name) => facts.Element(facts.Name.Namespace + name)?.Value ?? "";

    /// <summary>Packing builds nothing here, or it would build under the feet of the tests that run.</summary>
    private static void RequireReleaseBuild()
    {
        if (!File.Exists(Path.Combine(TestData.RepositoryRoot, "client", "Cli", "bin", "Release", "net10.0", "smol.dll")))
            Requirement.Lacks("There is no Release build, which this test packs: dotnet build -c Release");
    }
}
