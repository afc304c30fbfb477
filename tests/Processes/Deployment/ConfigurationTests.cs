using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests.Deployment;

public sealed class ConfigurationTests
{
    private static string Page { get; } = Path.Combine(TestData.RepositoryRoot, "aspire", "deploy", "configuration.md");

    /// <summary>SMOL_WRITE=1 writes it anew.</summary>
    [Fact]
    public void Configuration_Page_IsWhatTheOptionsSay()
    {
        string generated = ConfigurationReference.Markdown();
        if (Environment.GetEnvironmentVariable("SMOL_WRITE") == "1")
            File.WriteAllText(Page, generated);
        Assert.Equal(generated, File.ReadAllText(Page));
    }

    [Theory]
    [InlineData("SmolCluster__Models__7__Path", true)]
    [InlineData("SmolCluster__KvMemoryMiB", true)]
    [InlineData("Gateway__Weights__alice", true)]
    [InlineData("Gateway__CorsOrigins__2", true)]
    [InlineData("Orleans__Endpoints__SiloPort", true)]
    [InlineData("SmolCluster__Model", false)]
    [InlineData("Gateway__Port", false)]
    [InlineData("Orleans__Clustering__Key", false)]
    public void Knows_Variables_ThatNodesRead(string variable, bool known) => Assert.Equal(known, ConfigurationReference.Knows(variable));
}
