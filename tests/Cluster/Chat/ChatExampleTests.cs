using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.AI;
using SmolCluster.Chat;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Cluster.Tests.Chat;

#pragma warning disable xUnit1051 // the examples are as people write them, who have no test's token

/// <summary>The examples of client/Chat/README.md as they stand there, run with the demo model.</summary>
public sealed class ChatExampleTests
{
    private static readonly string s_root = typeof(ChatExampleTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RepositoryRoot").Value!;

    private enum Hue { Red, Green, Blue }

    private sealed record Color(Hue Hue, bool Warm);

    [Fact]
    public async Task Readme_LoadAndAsk_Answers()
    {
        string? shown = null;
        var Console = new { WriteLine = (Action<string>)(text => shown = text) };
        File.Copy(ModelCatalog.DemoFile, "SmolLM3-Q4_K_M.gguf", overwrite: true);

        using var client = SmolChatClient.Load("SmolLM3-Q4_K_M.gguf", new EngineOptions { ContextLength = 8192 });
        ChatResponse response = await client.GetResponseAsync("What is a silo?");
        Console.WriteLine($"{response.Text} ({response.Usage?.OutputTokenCount} tokens)");

        Assert.Matches(@"silo.* \([1-9]\d* tokens\)$", shown);
    }

    [Fact]
    public async Task Readme_AskACluster_StreamsTheAnswer()
    {
        string shown = "";
        var Console = new { Write = (Action<string>)(text => shown += text) };
        await using var silo = await StubCluster.Start(ModelCatalog.From(new SmolClusterOptions { Models = [new() { Path = ModelCatalog.DemoFile, Id = "SmolLM3-Q4_K_M" }] })[0]);
        await silo.Service<ModelHost>().Settled;
        IGrainFactory cluster = silo.Client;

        using var client = new SmolChatClient(cluster, "SmolLM3-Q4_K_M");
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync("What is a silo?"))
            Console.Write(update.Text);

        Assert.Contains("silo", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Readme_Options_GiveAnAnswerInItsForm()
    {
        using var client = SmolChatClient.Load(ModelCatalog.DemoFile);

        var options = new ChatOptions
        {
            Temperature = 0.3f,
            Seed = 7,
            MaxOutputTokens = 200,
            StopSequences = ["\n\n"],
            ResponseFormat = ChatResponseFormat.ForJsonSchema<Color>(),
        };
        ChatResponse response = await client.GetResponseAsync("Name a color.", options);
        var color = JsonSerializer.Deserialize<Color>(response.Text, AIJsonUtilities.DefaultOptions);

        Assert.True(Enum.IsDefined(color!.Hue));
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public void Readme_EveryExample_IsOneOfThese()
    {
        string here = Squeezed(File.ReadAllText(Path.Combine(s_root, "tests", "Cluster", "Chat", "ChatExampleTests.cs")));
        string[] examples = File.ReadAllText(Path.Combine(s_root, "client", "Chat", "README.md")).Split("```csharp")[1..];
        Assert.Equal(3, examples.Length);
        Assert.All(examples, example => Assert.Contains(Squeezed(example.Split("```")[0]), here, StringComparison.Ordinal));
    }

    private static string Squeezed(string code) => string.Join(' ', code.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries));
}
