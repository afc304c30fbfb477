using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;
using SmolCluster.Silo;

namespace SmolCluster.Cluster.Tests;

/// <summary>Conversations in a file: over a restart, against two writers, and when the file cannot be used.</summary>
public sealed class SqliteStorageTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("smol-data-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Conversation_AfterARestart_IsThereAndCanBeForgotten()
    {
        List<GenerationEvent> whole;
        await using (var app = await Started())
            whole = await Conversation(app).Answer(Requests.Hello(maxTokens: 9));
        await using (var app = await Started())
        {
            var kept = await Conversation(app).Read();
            Assert.Equal((whole.Text(), "length", 9), (kept!.Text, kept.FinishReason, kept.Tokens.Count));
            Assert.Equal(whole.Skip(5).OfType<TextDelta>().Select(delta => delta.Text),
                (await Conversation(app).Rest(null, new AnswerCursor(5))).OfType<TextDelta>().Select(delta => delta.Text));
            await Conversation(app).Forget();
        }
        await using (var app = await Started())
            Assert.Null(await Conversation(app).Read());
    }

    [Fact]
    public async Task Write_ByTwo_OnlyTheFirstWins()
    {
        await using var app = Built();
        var storage = app.Services.GetRequiredKeyedService<IGrainStorage>(GrainsHosting.ConversationStorage);
        var id = GrainId.Create("conversation", "one");
        var one = new GrainState<ConversationState>(new() { Identity = "one" });
        var two = new GrainState<ConversationState>(new() { Identity = "two" });
        await storage.WriteStateAsync("conversation", id, one);
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("conversation", id, two));
        await storage.ReadStateAsync("conversation", id, two);
        Assert.Equal((true, "one", one.ETag), (two.RecordExists, two.State!.Identity, two.ETag));
        await storage.WriteStateAsync("conversation", id, two);
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("conversation", id, one));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.ClearStateAsync("conversation", id, one));
        await storage.ClearStateAsync("conversation", id, two);
        Assert.Equal((false, null), (two.RecordExists, two.ETag));
    }

    /// <summary>Ended in the middle of an answer, the next process goes on with it.</summary>
    [Fact]
    public async Task Transcript_RestartInTheMiddleOfAnAnswer_GoesOnAndIsListed()
    {
        const string Owner = "user:ann";
        string id = ConversationId.New();
        var post = new TranscriptPost(null, "Hello", Requests.Hello(maxTokens: 40) with { Keep = Keep.UntilDelivered });
        await using (var app = await Started())
        {
            await Transcript(app).Create(new() { Owner = Owner });
            Assert.Equal(2, await Transcript(app).Post(Owner, post));
            await using var events = Transcript(app).Watch(Owner, 2, 0, TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
            await events.NextText();
        }
        await using (var app = await Started())
        {
            var list = app.Services.GetRequiredService<IGrainFactory>().GetGrain<IConversationListGrain>(Owner);
            Assert.Equal(id, Assert.Single((await list.List(10, null, null)).Entries).Id);
            var whole = await Transcript(app).Watched(2);
            Assert.Equal((new StubOptions().Text[..40], "length"), (whole.Text(), whole.Finish().Reason));
            await Transcript(app).GoOn(Owner, 2, maxTokens: 50);
            Assert.Equal(new StubOptions().Text[..50], (await Transcript(app).Watched(2)).Text());
        }

        ITranscriptGrain Transcript(WebApplication app) => app.Services.GetRequiredService<IGrainFactory>().GetGrain<ITranscriptGrain>(id);
    }

    [Fact]
    public async Task SettingsProblem_FolderInUse_SaysWhoCanUseIt()
    {
        await using var first = Built();
        Assert.Null(first.SettingsProblem());
        await using var second = Built();
        Assert.StartsWith($"The data folder '{_folder}' cannot be used", second.SettingsProblem(), StringComparison.Ordinal);
        Assert.Contains("one process at a time", second.SettingsProblem(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SettingsProblem_FileIsNoDatabase_SaysWhatToDo()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "conversations.db"), new string('x', 5000), TestContext.Current.CancellationToken);
        await using var app = Built();
        Assert.Contains("file is not a database", app.SettingsProblem(), StringComparison.Ordinal);
        Assert.Contains("Move it away to begin a new one", app.SettingsProblem(), StringComparison.Ordinal);
    }

    private static IConversationGrain Conversation(WebApplication app) =>
        app.Services.GetRequiredService<IGrainFactory>().GetGrain<IConversationGrain>("conversation");

    private async Task<WebApplication> Started()
    {
        var app = Built();
        await app.StartAsync(TestContext.Current.CancellationToken);
        await app.Services.GetRequiredService<ModelHost>().Settled;
        return app;
    }

    private WebApplication Built()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["SmolCluster:Models:0:Path"] = "stub",
            [SmolClusterOptions.DataFolderKey] = _folder,
        });
        builder.AddSmolClusterSilo(options => (options.SiloPort, options.GatewayPort) = (0, 0));
        return builder.Build();
    }
}
