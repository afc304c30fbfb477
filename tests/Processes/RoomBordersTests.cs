using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace SmolCluster.Processes.Tests;

/// <summary>References between rooms go down only. Read from the built assemblies, because a project file does not show what
/// comes along with a reference; the compiler leaves out what is never used, so only real use counts.</summary>
public sealed class RoomBordersTests
{
    private const string Engine = "SmolCluster.Engine";
    private const string Contracts = "SmolCluster.Contracts";
    private const string Answering = "SmolCluster.Answering";
    private const string Grains = "SmolCluster.Grains";
    private const string Silo = "SmolCluster.Silo";
    private const string Gateway = "SmolCluster.Gateway";
    private const string Chat = "SmolCluster.Chat";
    private const string Cli = "smol";
    private const string Defaults = "SmolCluster.ServiceDefaults";

    [Theory]
    [InlineData(Engine, "")]
    [InlineData(Contracts, "")]
    [InlineData(Answering, Contracts + " " + Engine)]
    [InlineData(Grains, Answering + " " + Contracts + " " + Engine)]
    [InlineData(Chat, Answering + " " + Contracts + " " + Engine)]
    [InlineData(Silo, Grains + " " + Contracts + " " + Engine + " " + Defaults)]
    [InlineData(Gateway, Contracts + " " + Defaults)]
    [InlineData(Defaults, "")]
    [InlineData(Cli, Gateway + " " + Silo + " " + Grains + " " + Answering + " " + Contracts + " " + Engine)]
    public void Room_References_GoDownOnly(string room, string allowed)
    {
        var rooms = References(room).Where(name => name.StartsWith("SmolCluster.", StringComparison.Ordinal) || name == Cli);
        Assert.Empty(rooms.Except(allowed.Split(' ')));
    }

    [Theory]
    [InlineData(Engine, "Orleans")]
    [InlineData(Engine, "Microsoft.AspNetCore")]
    [InlineData(Engine, "Microsoft.Extensions")]
    [InlineData(Contracts, "Microsoft.AspNetCore")]
    [InlineData(Contracts, "Orleans.Runtime")]
    [InlineData(Answering, "Orleans.Runtime")]
    [InlineData(Chat, "Microsoft.AspNetCore")]
    [InlineData(Chat, "Orleans.Runtime")]
    [InlineData(Grains, "Microsoft.AspNetCore")]
    [InlineData(Gateway, "Orleans.Runtime")]
    public void Room_DoesNotKnow_TheFramework(string room, string framework) =>
        Assert.DoesNotContain(References(room), name => name.StartsWith(framework, StringComparison.Ordinal));

    private static string[] References(string room)
    {
        using var file = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, room + ".dll")));
        var metadata = file.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name))];
    }
}
