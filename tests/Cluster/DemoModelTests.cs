using System.Reflection;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Grains;

namespace SmolCluster.Cluster.Tests;

/// <summary>The demo model, which comes with every build, from a question to its answer through the whole cluster side: template,
/// tokenizer, forward pass, batch loop, conversation.</summary>
public sealed class DemoModelTests : IAsyncLifetime
{
    private static readonly JsonSerializerOptions s_snakeCase = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
    private StubCluster _cluster = null!;

    public sealed record Golden(string User, int[] PromptIds, string Assistant);

    public async ValueTask InitializeAsync()
    {
        _cluster = await StubCluster.Start([.. ModelCatalog.From(new SmolClusterOptions { Models = [new() { Path = ModelCatalog.DemoPath }] })]);
        await _cluster.Service<ModelHost>().Settled;
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Ask_AtTemperatureZero_AnswersAsTheGoldensDo()
    {
        // two paths of 8-bit activations may fall apart at a near tie, so one answer of ten may differ
        var goldens = Goldens();
        var answers = await Task.WhenAll(goldens.Select((golden, number) => _cluster.Conversation($"{number}").Answer(Ask(golden.User))));
        var prompts = goldens.Zip(answers, (golden, answer) => (golden.PromptIds.Length, answer.Finish().PromptTokens));
        Assert.All(prompts, counts => Assert.Equal(counts.Length, counts.PromptTokens));
        var differing = goldens.Zip(answers).Where(pair => pair.First.Assistant != pair.Second.Text()).Select(pair => (pair.First, pair.Second.Text()));
        Assert.True(differing.Count() <= goldens.Length / 10, string.Join(Environment.NewLine, differing));
    }

    [Fact]
    public async Task View_AfterALongQuestion_CountsItsPagesAsKept()
    {
        await _cluster.Conversation("long").Answer(Ask(string.Concat(Enumerable.Repeat("What is a silo? ", 30))));
        var view = Assert.Single(Assert.Single(await _cluster.Cluster.View()).Models);
        Assert.InRange(view.IdlePages, 1, view.Pages); // kept for prompts that begin alike
        Assert.InRange(view.UsedPages, 0, view.Pages - view.IdlePages);
    }

    [Fact]
    public async Task Ask_Twice_GivesTheSameEvents()
    {
        var request = Ask("Hello") with { Sampling = new SamplingSettings { Temperature = 1, Seed = 42 } };
        var first = await _cluster.Conversation("first").Answer(request);
        var second = await _cluster.Conversation("second").Answer(request);
        Assert.Equal(first.Text(), second.Text());
        Assert.Equal(first.Finish().CompletionTokens, second.Finish().CompletionTokens);
    }

    [Fact]
    public async Task Ask_SameBeginningAgain_CountsItsTokensAsCached()
    {
        var request = Ask(string.Concat(Enumerable.Repeat("Say it in other words, please, and be brief. ", 8))) with { MaxTokens = 4 };
        var first = await _cluster.Conversation("first").Answer(request);
        var second = await _cluster.Conversation("second").Answer(request);
        var longest = (first.Finish().PromptTokens - 1) / 64 * 64; // whole pages, and never the last token
        Assert.True(longest > 0);
        Assert.Equal((0, longest), (first.Finish().CachedTokens, second.Finish().CachedTokens));
        Assert.Equal(first.Text(), second.Text());
    }

    [Fact]
    public async Task List_Demo_TellsThatItIsTheDemo()
    {
        var status = Assert.Single(await _cluster.Models.List());
        Assert.Equal(("smolcluster-demo", "demo", "ready", 1024, "smollm3"),
            (status.Id, status.Kind, status.State, status.ContextLength, status.Architecture));
        Assert.NotEmpty(status.ContentHash);
        Assert.True(status.FileBytes > 0);
        Assert.Equal((6_820_096, "Q8_0"), (status.Weights, status.Quantization));
    }

    private static ChatRequest Ask(string text) => Requests.Hello(ModelCatalog.DemoId) with
    {
        Messages = [new ChatMessage("user", text)],
        Sampling = new SamplingSettings { Temperature = 0 },
    };

    private static Golden[] Goldens()
    {
        var root = typeof(DemoModelTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RepositoryRoot").Value!;
        var json = File.ReadAllText(Path.Combine(root, "tests", "data", "demo-greedy.json"));
        return JsonSerializer.Deserialize<Golden[]>(json, s_snakeCase)!;
    }
}
