using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using SmolCluster.Contracts;

namespace SmolCluster.Cluster.Tests.Contracts;

/// <summary>Nodes of two versions work together while one replaces the other, and storage holds what older ones wrote. Recorded of each
/// version, in tests/data/contracts: its schema as text, and a filled record of every type as its serializer wrote it. A new version is recorded by
/// SMOL_RECORD_CONTRACTS=VERSION; what is recorded is never changed.</summary>
public sealed class ContractVersionTests : IDisposable
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, NewLine = "\n" };

    private readonly ServiceProvider services = new ServiceCollection().AddSerializer(static serializer => serializer
        .AddAssembly(typeof(ChatRequest).Assembly).AddAssembly(typeof(Grains.ConversationState).Assembly)).BuildServiceProvider();

    private static string Folder { get; } = Path.Combine(
        typeof(ContractVersionTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static data => data.Key == "RepositoryRoot").Value!, "tests", "data", "contracts");

    private Serializer Serializer => services.GetRequiredService<Serializer>();

    public static TheoryData<string> Versions => [.. Directory.GetFiles(Folder, "*.txt").Select(static file => Path.GetFileNameWithoutExtension(file)!)];

    [Theory, MemberData(nameof(Versions))]
    public void Contracts_Today_KeepEveryLineOf(string version) => Assert.Empty(Schema(version).Except(ContractSchema.Lines()));

    [Theory, MemberData(nameof(Versions))]
    public void Contracts_Today_ReadWhatWasWrittenBy(string version)
    {
        var sample = new ContractSample(Schema(version));
        var recorded = JsonSerializer.Deserialize<Dictionary<string, byte[]>>(File.ReadAllText(Recorded(version, "json")))!;
        Assert.True(recorded.Count > 30, $"{recorded.Count} records of {version}");
        foreach (var (alias, bytes) in recorded)
        {
            var type = ContractSchema.Types.Single(type => ContractSchema.Alias(type) == alias);
            object read = Serializer.Deserialize<object>(bytes)!;
            Assert.Equal(type, read.GetType());
            Assert.Equal(sample.Tell(sample.Make(type)), sample.Tell(read));
        }
    }

    /// <summary>The other direction: an older node gets members that it does not know, and a newer one lacks some. Two of today's records,
    /// whose first members are alike, stand for one record in two versions: the bytes of a sealed type do not name it.</summary>
    [Fact]
    public void Serializer_MoreOrFewerMembers_AreReadAsFarAsTheyAreKnown()
    {
        var (more, fewer) = (services.GetRequiredService<Serializer<ChatMessage>>(), services.GetRequiredService<Serializer<ToolCall>>());
        var newer = new ChatMessage("user", "text") { ReasoningContent = "why", ToolCalls = [new("a", "b", "c")], ToolCallId = "id", Name = "name" };
        Assert.Equal(new ToolCall("user", "text", "why"), fewer.Deserialize(more.SerializeToArray(newer)));
        var older = more.Deserialize(fewer.SerializeToArray(new ToolCall("user", "text", "why")))!;
        Assert.Equal(("user", "text", "why", null), (older.Role, older.Content, older.ReasoningContent, older.Name));
    }

    [Fact]
    public void ChatException_OverTheWire_KeepsWhatItSays()
    {
        var sent = new ChatException(ChatError.QueueFull, "full") { RetryAfter = TimeSpan.FromSeconds(7), Field = "messages" };
        var got = Assert.IsType<ChatException>(Serializer.Deserialize<Exception>(Serializer.SerializeToArray<Exception>(sent)));
        Assert.Equal((sent.Error, sent.Message, sent.RetryAfter, sent.Field), (got.Error, got.Message, got.RetryAfter, got.Field));
    }

    [Fact]
    public void Contracts_ToBeRecorded_AreWrittenOnce()
    {
        if (Environment.GetEnvironmentVariable("SMOL_RECORD_CONTRACTS") is not { Length: > 0 } version)
        {
            Assert.NotEmpty(Versions);
            return;
        }
        Assert.False(File.Exists(Recorded(version, "txt")), $"{version} is recorded already.");
        var lines = ContractSchema.Lines().ToHashSet();
        var sample = new ContractSample(lines);
        var written = ContractSchema.Records.ToDictionary(ContractSchema.Alias, type => Serializer.SerializeToArray(sample.Make(type)));
        File.WriteAllText(Recorded(version, "txt"), string.Join('\n', lines.Order(StringComparer.Ordinal)) + "\n");
        File.WriteAllText(Recorded(version, "json"), JsonSerializer.Serialize(written, Readable) + "\n");
    }

    public void Dispose() => services.Dispose();

    private static string Recorded(string version, string extension) => Path.Combine(Folder, $"{version}.{extension}");

    private static HashSet<string> Schema(string version) => [.. File.ReadAllLines(Recorded(version, "txt"))];
}
