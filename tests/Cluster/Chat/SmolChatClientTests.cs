using System.Text.Json;
using Microsoft.Extensions.AI;
using SmolCluster.Chat;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Cluster.Tests.Chat;

/// <summary>The same client over a model of this process and over a cluster's: what it gives is the same.</summary>
public sealed class SmolChatClientTests
{
    private static readonly AIFunctionDeclaration s_weather = AIFunctionFactory.CreateDeclaration("get_weather", "The weather of a city",
        JsonElement.Parse("""{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}"""));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static StubChatModel Stub(string text = "Hello there.", TimeProvider? time = null) =>
        new(new StubOptions { Text = text, TokenInterval = time is null ? TimeSpan.Zero : TimeSpan.FromMilliseconds(20) }, time ?? TimeProvider.System);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GetResponse_Stub_HasTextUsageAndReason(bool ofACluster)
    {
        await using var asked = await Asked.Start(Stub(), ofACluster);
        var response = await asked.Client.GetResponseAsync("Hello", cancellationToken: Cancellation);
        Assert.Equal("Hello there.", response.Text);
        Assert.Equal((ChatFinishReason.Stop, "stub"), (response.FinishReason!.Value, response.ModelId));
        // the stub's tokens are bytes: "user: Hello\n", the text and the token that ends it
        Assert.Equal((12, 13, 25), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.TotalTokenCount));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GetStreamingResponse_Reasoning_ComesApartFromText(bool ofACluster)
    {
        await using var asked = await Asked.Start(Stub(), ofACluster);
        var options = new ChatOptions { AdditionalProperties = new() { ["enable_thinking"] = true } };
        var updates = await asked.Client.GetStreamingResponseAsync("Hello", options, Cancellation).ToListAsync(Cancellation);
        string reasoning = string.Concat(updates.SelectMany(update => update.Contents).OfType<TextReasoningContent>().Select(part => part.Text));
        Assert.StartsWith("I am a stub and cannot think.", reasoning, StringComparison.Ordinal);
        Assert.Equal("Hello there.", string.Concat(updates.Select(update => update.Text)));
        Assert.True(updates.Count > 20, "An answer streams in pieces.");
        Assert.True(updates.Select(update => update.ResponseId).Distinct().Single() is { Length: > 0 });
        Assert.True(updates.ToChatResponse().Usage!.ReasoningTokenCount > 20);

        options.Reasoning = new ReasoningOptions { Output = ReasoningOutput.None };
        var hidden = await asked.Client.GetResponseAsync("Hello", options, Cancellation);
        Assert.DoesNotContain(hidden.Messages.SelectMany(message => message.Contents), content => content is TextReasoningContent);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GetResponse_Tool_IsOneWholeCall(bool ofACluster)
    {
        await using var asked = await Asked.Start(Stub(), ofACluster);
        var response = await asked.Client.GetResponseAsync("""Call get_weather {"city": "Paris"}""", new ChatOptions { Tools = [s_weather] }, Cancellation);
        var call = Assert.Single(response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>());
        Assert.Equal(("get_weather", "Paris"), (call.Name, ((JsonElement)call.Arguments!["city"]!).GetString()));
        Assert.StartsWith("call_", call.CallId, StringComparison.Ordinal);
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);

        // and back again, as whoever calls functions sends it
        List<Microsoft.Extensions.AI.ChatMessage> further = [new(ChatRole.User, "Call it"), .. response.Messages, new(ChatRole.Tool, [new FunctionResultContent(call.CallId, "Rain")])];
        Assert.Equal("Hello there.", (await asked.Client.GetResponseAsync(further, new ChatOptions { Tools = [s_weather] }, Cancellation)).Text);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GetResponse_LimitsAndStops_EndTheAnswer(bool ofACluster)
    {
        await using var asked = await Asked.Start(Stub("one two three"), ofACluster);
        var cut = await asked.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 5 }, Cancellation);
        Assert.Equal(("one t", ChatFinishReason.Length), (cut.Text, cut.FinishReason!.Value));
        var stopped = await asked.Client.GetResponseAsync("Hello", new ChatOptions { StopSequences = [" three"] }, Cancellation);
        Assert.Equal(("one two", ChatFinishReason.Stop), (stopped.Text, stopped.FinishReason!.Value));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GetStreamingResponse_Left_FreesTheModel(bool ofACluster)
    {
        var stub = Stub(new string('x', 1000), TimeProvider.System);
        await using var asked = await Asked.Start(stub, ofACluster);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in asked.Client.GetStreamingResponseAsync("Hello", cancellationToken: leaving.Token))
                if (update.Text.Length > 0)
                    await leaving.CancelAsync();
        });
        await stub.WhenIdle().WaitAsync(Cancellation);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task GetResponse_Refused_IsAChatException(bool ofACluster)
    {
        await using var asked = await Asked.Start(Stub(), ofACluster);
        var refusal = await Assert.ThrowsAsync<ChatException>(() => asked.Client.GetResponseAsync("Hello", new ChatOptions { ModelId = "other" }, Cancellation));
        Assert.Equal(ChatError.ModelNotFound, refusal.Error);
        refusal = await Assert.ThrowsAsync<ChatException>(() => asked.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000_000 }, Cancellation));
        Assert.Equal(ChatError.ContextLengthExceeded, refusal.Error);
    }

    [Fact]
    public async Task GetResponse_SamplingOfBothBackends_GivesTheSameText()
    {
        using var model = GgufChatModel.Load(ModelCatalog.DemoFile, new EngineOptions { ModelId = "demo" });
        await using var here = await Asked.Start(model, ofACluster: false);
        await using var there = await Asked.Start(GgufChatModel.Load(ModelCatalog.DemoFile, new EngineOptions { ModelId = "demo" }), ofACluster: true);
        var options = new ChatOptions
        {
            Temperature = 1.3f,
            TopP = 0.99f,
            TopK = 100,
            Seed = 11,
            FrequencyPenalty = 0.2f,
            PresencePenalty = 0.1f,
            MaxOutputTokens = 40,
            Instructions = "Be brief.",
            AdditionalProperties = new() { ["min_p"] = 0.01, ["repetition_penalty"] = 1.1 },
        };
        string first = (await here.Client.GetResponseAsync("What is a silo?", options, Cancellation)).Text;
        Assert.NotEmpty(first);
        Assert.Equal(first, (await there.Client.GetResponseAsync("What is a silo?", options, Cancellation)).Text);
        options.Seed = 12;
        Assert.NotEqual(first, (await here.Client.GetResponseAsync("What is a silo?", options, Cancellation)).Text);
    }

    [Fact]
    public async Task GetStreamingResponse_SiloLeaves_GoesOnWithTheSameText()
    {
        string text = string.Concat(Enumerable.Range(0, 60).Select(number => $"word {number}, "));
        await using var cluster = await StubCluster.Start(2, _ => [new ModelSource("stub", ModelKind.Stub, (_, _) => Stub(text, TimeProvider.System))]);
        foreach (int silo in (int[])[0, 1]) await cluster.Service<ModelHost>(silo).Settled;
        using var client = new SmolChatClient(cluster.Client, "stub");
        string answer = "", left = "";
        await foreach (var update in client.GetStreamingResponseAsync("Hello", cancellationToken: Cancellation))
        {
            if (update.RawRepresentation is AnswerStarted started) left = started.Silo;
            answer += update.Text;
            if (answer.Length == 20) await cluster.Stop(cluster.Silos.Single(silo => silo.Name == left));
        }
        Assert.Equal(text, answer);
        Assert.DoesNotContain(cluster.Silos, silo => silo.Name == left);
    }

    public static TheoryData<string, ChatOptions> Unsupported => new()
    {
        { "ConversationId", new ChatOptions { ConversationId = "one" } },
        { "HostedWebSearchTool", new ChatOptions { Tools = [new HostedWebSearchTool()] } },
        { "mirostat", new ChatOptions { AdditionalProperties = new() { ["mirostat"] = 1 } } },
        { "Summary", new ChatOptions { Reasoning = new() { Output = ReasoningOutput.Summary } } },
    };

    [Theory]
    [MemberData(nameof(Unsupported), DisableDiscoveryEnumeration = true)]
    public void GetStreamingResponse_WhatCannotBeDone_IsRefusedByName(string named, ChatOptions options)
    {
        using var stub = Stub();
        using var client = new SmolChatClient(stub);
        Assert.Contains(named, Assert.Throws<NotSupportedException>(() => client.GetStreamingResponseAsync("Hello", options, Cancellation)).Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, ChatOptions> Wrong => new()
    {
        { "Temperature", new ChatOptions { Temperature = 3 } },
        { "MaxOutputTokens", new ChatOptions { MaxOutputTokens = 0 } },
        { "StopSequences", new ChatOptions { StopSequences = [""] } },
        { "min_p", new ChatOptions { AdditionalProperties = new() { ["min_p"] = "much" } } },
        { "get_news", new ChatOptions { Tools = [s_weather], ToolMode = ChatToolMode.RequireSpecific("get_news") } },
        { "two functions", new ChatOptions { Tools = [s_weather, s_weather] } },
    };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void GetStreamingResponse_WrongValue_IsRefusedByName(string named, ChatOptions options)
    {
        using var stub = Stub();
        using var client = new SmolChatClient(stub);
        Assert.Contains(named, Assert.ThrowsAny<ArgumentException>(() => client.GetStreamingResponseAsync("Hello", options, Cancellation)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GetStreamingResponse_AnImage_IsRefusedByName()
    {
        using var stub = Stub();
        using var client = new SmolChatClient(stub);
        var picture = new Microsoft.Extensions.AI.ChatMessage(ChatRole.User, [new DataContent(new byte[] { 1 }, "image/png")]);
        Assert.Contains("DataContent", Assert.Throws<NotSupportedException>(() => client.GetStreamingResponseAsync([picture], null, Cancellation)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GetService_ModelAndMetadata_AreThere()
    {
        using var stub = Stub();
        using IChatClient client = new SmolChatClient(stub);
        Assert.Same(stub, client.GetService<IChatModel>());
        Assert.Equal("stub", client.GetService<ChatClientMetadata>()!.DefaultModelId);
    }

    [Fact]
    public void MessageMaking_PartsAndResults_KeepTheirPlaces()
    {
        var made = MessageMaking.Of(
        [
            new(ChatRole.User, [new TextContent("a"), new TextContent("b")]),
            new(ChatRole.Assistant, [new TextReasoningContent("hm"), new FunctionCallContent("1", "f", new Dictionary<string, object?> { ["x"] = 2 }), new FunctionCallContent("2", "g")]),
            new(ChatRole.Tool, [new FunctionResultContent("1", "yes"), new FunctionResultContent("2", new { ok = true })]),
        ], "Be brief.");
        Assert.Equal(["system Be brief.", "user ab", "assistant ", "tool yes", """tool {"ok":true}"""], made.Select(message => $"{message.Role} {message.Content}"));
        Assert.Equal("hm", made[2].ReasoningContent);
        Assert.Equal([("1", "f", """{"x":2}"""), ("2", "g", "{}")], made[2].ToolCalls.Select(call => (call.Id, call.Name, call.Arguments)));
        Assert.Equal([("1", "f"), ("2", "g")], made.Skip(3).Select(message => (message.ToolCallId!, message.Name!)));
    }

    /// <summary>A client and what it asks.</summary>
    private sealed class Asked : IAsyncDisposable
    {
        private StubCluster? _cluster;

        public required SmolChatClient Client { get; init; }

        public static async Task<Asked> Start(IChatModel model, bool ofACluster)
        {
            if (!ofACluster) return new Asked { Client = new SmolChatClient(model) };
            var cluster = await StubCluster.Start(model);
            return new Asked { Client = new SmolChatClient(cluster.Client, model.Card.Id), _cluster = cluster };
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            if (_cluster is not null) await _cluster.DisposeAsync();
        }
    }
}
