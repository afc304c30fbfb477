using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Cluster.Tests;

public sealed class RefusalTests
{
    private static readonly ModelSource s_stub = new("stub", ModelKind.Stub, (_, _) => new StubChatModel());

    [Fact]
    public async Task Ask_OverlongPromptAndMaxTokens_NamesBothCounts()
    {
        await using var cluster = await Small();
        var refusal = await cluster.Conversation().Refusal(Requests.Hello(maxTokens: 9));
        Assert.Equal(ChatError.ContextLengthExceeded, refusal.Error);
        Assert.StartsWith("This model's context is 20 tokens; your messages have 12 and max_tokens asks for 9 more.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_MoreBytesThanTheContextCanHold_IsRefusedBeforeTokenizing()
    {
        await using var cluster = await Small();
        var refusal = await cluster.Conversation().Refusal(Requests.Hello() with { Messages = [new("user", new string('é', 11))] });
        Assert.Equal(ChatError.ContextLengthExceeded, refusal.Error);
        Assert.StartsWith("This model's context is 20 tokens of at most 1 bytes; your messages have 22 bytes", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(20, null)]
    [InlineData(20, int.MaxValue)]
    [InlineData(21, null)]
    public async Task Ask_NoRoomForAnAnswer_IsRefused(int promptTokens, int? maxTokens)
    {
        await using var cluster = await Small();
        var text = new string('x', promptTokens - "user: \n".Length);
        var refusal = await cluster.Conversation().Refusal(Requests.Hello(maxTokens: maxTokens) with { Messages = [new("user", text)] });
        Assert.Equal(ChatError.ContextLengthExceeded, refusal.Error);
        Assert.Contains($"{promptTokens}", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[1]", "must be a JSON object")]
    [InlineData("{\"a\":1,\"a\":2}", "not valid JSON")]
    [InlineData("{", "not valid JSON")]
    public async Task Ask_BadVariables_IsRefused(string variables, string expected)
    {
        await using var cluster = await Small();
        var refusal = await cluster.Conversation().Refusal(Requests.Hello(variables: variables));
        Assert.Equal(ChatError.InvalidMessages, refusal.Error);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(257)]
    [InlineData(-1)]
    public async Task Ask_BiasOfAnUnknownToken_IsRefusedBeforeAnythingRuns(int token)
    {
        await using var cluster = await Small();
        var request = Requests.Hello();
        var refusal = await cluster.Conversation().Refusal(request with { Sampling = request.Sampling with { LogitBias = new() { [token] = 1 } } });
        Assert.Equal(ChatError.InvalidLogitBias, refusal.Error);
        Assert.Contains($"token {token}; this model has tokens 0 to 256", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_VariablesNamedLikeOurs_CannotReplaceTheMessages()
    {
        await using var cluster = await Small();
        var events = await cluster.Conversation().Answer(Requests.Hello(variables: "{\"messages\":[]}"));
        Assert.Equal(12, events.Finish().PromptTokens);
    }

    [Fact]
    public async Task Ask_TemplateRefuses_IsInvalidMessages()
    {
        await using var cluster = await Small();
        var refusal = await cluster.Conversation().Refusal(Requests.Hello() with { Messages = [] });
        Assert.Equal((ChatError.InvalidMessages, "There are no messages to answer: send at least one."), (refusal.Error, refusal.Message));
    }

    [Fact]
    public async Task Ask_NegativeMaxTokens_IsRefused()
    {
        await using var cluster = await Small();
        Assert.Equal(ChatError.InvalidMessages, (await cluster.Conversation().Refusal(Requests.Hello(maxTokens: -1))).Error);
    }

    [Fact]
    public async Task Ask_QueueFull_SaysWhenToTryAgain()
    {
        var model = new StubChatModel(new StubOptions { MostAnswers = 1 }, new SteppedTime());
        await using var cluster = await StubCluster.Start(model);
        await using var first = cluster.Conversation("first").Begin(Requests.Hello());
        Assert.True(await first.MoveNextAsync());
        var refusal = await cluster.Conversation("second").Refusal(Requests.Hello());
        Assert.Equal(ChatError.QueueFull, refusal.Error);
        Assert.True(refusal.RetryAfter > TimeSpan.Zero);
    }

    [Fact]
    public async Task Ask_UnknownModel_NamesTheModelsThereAre()
    {
        await using var cluster = await StubCluster.Start(s_stub with { Id = "one" }, s_stub with { Id = "two" });
        var refusal = await cluster.Conversation().Refusal(Requests.Hello(model: "three"));
        Assert.Equal((ChatError.ModelNotFound, "There is no model 'three' on this silo. Its models: one, two."), (refusal.Error, refusal.Message));
    }

    [Fact]
    public async Task Ask_LoadingModel_TellsProgressThenAnswers()
    {
        var reported = new TaskCompletionSource();
        using var loaded = new ManualResetEventSlim();
        await using var cluster = await StubCluster.Start(s_stub with
        {
            Load = (progress, closing) =>
            {
                progress.Report(0.25);
                reported.SetResult();
                loaded.Wait(closing);
                return new StubChatModel(new StubOptions { TokenInterval = TimeSpan.Zero }, TimeProvider.System);
            },
        });
        await reported.Task.WaitAsync(TestContext.Current.CancellationToken);

        var refusal = await cluster.Conversation().Refusal(Requests.Hello());
        Assert.Equal(ChatError.ModelLoading, refusal.Error);
        Assert.Contains("25", refusal.Message, StringComparison.Ordinal);
        Assert.True(refusal.RetryAfter >= TimeSpan.FromSeconds(1));
        Assert.Equal(("loading", 0.25), ((await cluster.Models.List())[0].State, (await cluster.Models.List())[0].Progress));

        loaded.Set();
        await cluster.Service<ModelHost>().Settled;
        Assert.Equal("stop", (await cluster.Conversation().Answer(Requests.Hello())).Finish().Reason);
    }

    [Fact]
    public async Task Ask_FailedModel_TellsWhyAndNothingTakesItsPlace()
    {
        await using var cluster = await StubCluster.Start(
            new ModelSource("broken", ModelKind.Real, (_, _) => throw new InvalidDataException("broken.gguf: no GGUF magic.")), s_stub);
        await cluster.Service<ModelHost>().Settled;
        var refusal = await cluster.Conversation().Refusal(Requests.Hello(model: "broken"));
        Assert.Equal(ChatError.ModelFailed, refusal.Error);
        Assert.Contains("broken.gguf: no GGUF magic.", refusal.Message, StringComparison.Ordinal);
        var status = (await cluster.Models.List())[0];
        Assert.Equal(("broken", "real", "failed", "broken.gguf: no GGUF magic."), (status.Id, status.Kind, status.State, status.Problem));
    }

    private static Task<StubCluster> Small() =>
        StubCluster.Start(new StubChatModel(new StubOptions { TokenInterval = TimeSpan.Zero, ContextLength = 20 }, TimeProvider.System));
}
