using System.Net.Http.Json;
using System.Text.Json;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>LoRA adapters as people name and ask them.</summary>
public sealed class LoraTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Serve_Lora_IsAModelOfItsOwnBesideItsBase()
    {
        using TemporaryFolder folder = TestData.Temporary();
        RandomAdapter.Write(TestData.DemoModel, folder.File("a.gguf"), 8, 1, size: 2);
        await using SmolProcess server = SmolProcess.Start("serve", "--port", "0", "--lora", $"odd-demo={folder.File("a.gguf")}");
        string url = (await server.WaitForLineAsync("page")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1].TrimEnd('/');
        Assert.Contains("answers with smolcluster-demo", await server.WaitForLineAsync("ready"), StringComparison.Ordinal);
        using var http = new HttpClient();
        JsonElement models = await http.GetFromJsonAsync<JsonElement>($"{url}/v1/models", Cancellation);
        Assert.Equal([("odd-demo", "smolcluster-demo", "smolcluster-demo"), ("smolcluster-demo", "smolcluster-demo", null)],
            models.GetProperty("data").EnumerateArray().Select(static model => (model.GetProperty("id").GetString(), model.GetProperty("root").GetString(), model.GetProperty("parent").GetString())));
        string plain = await AskAsync(http, url, "smolcluster-demo"), odd = await AskAsync(http, url, "odd-demo");
        Assert.Equal("Hi! What would you like to talk about?", plain.Trim());
        Assert.NotEqual(plain, odd);

        Outcome alone = await SmolProcess.RunAsync("run", "-p", "Hello", "--temperature", "0", "--max-tokens", "20", "--lora", $"odd-demo={folder.File("a.gguf")}", "--json");
        using JsonDocument report = JsonDocument.Parse(alone.Output);
        Assert.Equal(("odd-demo", odd), (report.RootElement.GetProperty("model").GetString(), report.RootElement.GetProperty("answer").GetString()));
    }

    [Theory]
    [InlineData("demo-a=no-such.gguf", "no-such.gguf")]
    [InlineData("other=MODEL", "must contain \"demo\"")]
    [InlineData("demo-a=MODEL", "no LoRA adapter")]
    public async Task Lora_ThatCannotBeUsed_ExitsWith1AndSaysWhy(string adapter, string named)
    {
        foreach (string[] command in (string[][])[["serve", "--port", "0"], ["run", "-p", "x"]])
        {
            Outcome refused = await SmolProcess.RunAsync([.. command, "--lora", adapter.Replace("MODEL", TestData.DemoModel, StringComparison.Ordinal)]);
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains(named, refused.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("this is a bug", refused.Error, StringComparison.Ordinal);
        }
    }

    private static async Task<string> AskAsync(HttpClient http, string url, string model)
    {
        using HttpResponseMessage response = await http.PostAsJsonAsync($"{url}/v1/chat/completions",
            new { model, temperature = 0, max_tokens = 20, messages = (object[])[new { role = "user", content = "Hello" }] }, Cancellation);
        JsonElement body = await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation);
        Assert.True(response.IsSuccessStatusCode, body.ToString());
        return body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
    }
}
