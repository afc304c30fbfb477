using System.Net;
using System.Text.RegularExpressions;
using SmolCluster.Engine.Serving;
using SmolCluster.Gateway.Keys;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>GET /metrics after real requests. Measures of a process are one, so the models here have names of their own.</summary>
public sealed class MetricsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Metrics_AfterAnswersOfTheDemo_TellTimesTokensBatchAndCache()
    {
        const string id = "metrics-demo";
        await using var host = await GatewayHost.StartAsync([.. ModelCatalog.From(new() { Models = [new() { Path = ModelCatalog.DemoPath, Id = id }] })]);
        await host.ReadyAsync();
        foreach (int _ in Enumerable.Range(0, 2))
            Assert.Equal(HttpStatusCode.OK, (await host.Http.PostAsync(Api.Body("\"max_tokens\":12,\"temperature\":0", id))).StatusCode);
        using var refused = await host.Http.PostAsync(Api.Body("", "no-such-model"));
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);

        string metrics = await ScrapeAsync(host);
        Assert.Equal(2, Value(metrics, "gen_ai_server_time_to_first_token_seconds_count", id));
        Assert.Equal(2, Value(metrics, "gen_ai_server_request_duration_seconds_count", id));
        Assert.Equal(2, Value(metrics, "gen_ai_server_time_per_output_token_seconds_count", id));
        Assert.InRange(Value(metrics, "smolcluster_gateway_tokens_total", id, "gen_ai_token_type=\"output\""), 4, 24);
        Assert.InRange(Value(metrics, "smolcluster_engine_step_duration_seconds_count", id), 4, 100);
        Assert.InRange(Value(metrics, "smolcluster_engine_tokens_total", id, "smolcluster_phase=\"decode\""), 2, 24);
        Assert.Equal(2, Value(metrics, "smolcluster_engine_queue_wait_seconds_count", id));
        Assert.Equal(0, Value(metrics, "smolcluster_engine_queue_length", id));
        Assert.True(Value(metrics, "smolcluster_engine_kv_pages", id, "smolcluster_state=\"free\"") > 0);
        Assert.True(Value(metrics, "smolcluster_engine_kv_pages", id, "smolcluster_state=\"used\"") >= 0);
        Assert.True(Value(metrics, "smolcluster_engine_prompt_tokens_total", id, "smolcluster_cached=\"false\"") > 0);
        Assert.DoesNotContain("no-such-model", metrics);
    }

    [Fact]
    public async Task Metrics_WithKeys_NeedTheirScope()
    {
        string file = Path.GetTempFileName();
        KeyFile.Write(file, [ApiKey.New("p", DateTimeOffset.UtcNow, out string prometheus) with { Scopes = [KeyScopes.Metrics] }, ApiKey.New("c", DateTimeOffset.UtcNow, out string chat)]);
        await using var host = await GatewayHost.StartAsync(options => options.KeysFile = file, new ModelSource("stub", ModelKind.Stub, (_, _) => new StubChatModel()));
        foreach (var (key, expected) in new[] { (prometheus, HttpStatusCode.OK), (chat, HttpStatusCode.Forbidden), ("none", HttpStatusCode.Unauthorized) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
            request.Headers.Authorization = new("Bearer", key);
            Assert.Equal(expected, (await host.Http.SendAsync(request, Cancellation)).StatusCode);
        }
        File.Delete(file);
    }

    private static Task<string> ScrapeAsync(GatewayHost host) => host.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation);

    private static double Value(string metrics, string name, string model, string label = "")
    {
        var lines = metrics.Split('\n').Where(line => Regex.IsMatch(line, $"^{name}[{{ ]") && line.Contains($"\"{model}\"") && line.Contains(label)).ToList();
        Assert.True(lines.Count > 0, $"There is no {name} of {model} with {label} in:\n{metrics}");
        return lines.Sum(line => double.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture));
    }
}
