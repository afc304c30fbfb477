using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>aspire/deploy/alerts.yml asks for metrics and labels that there are.</summary>
public sealed partial class AlertTests
{
    private static string Rules { get; } = File.ReadAllText(Path.Combine(Repository.Root, "aspire", "deploy", "alerts.yml"));

    [Fact]
    public async Task Alerts_EveryMetric_IsServedOrPublished()
    {
        HashSet<string> published = [];
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => { lock (published) published.Add(Prometheus(instrument)); } };
        listener.Start();
        await using var host = await GatewayHost.StartAsync([.. ModelCatalog.From(new() { Models = [new() { Path = ModelCatalog.DemoPath, Id = "alerts-demo" }] })]);
        await host.ReadyAsync();
        using var answered = await host.Http.PostAsync(Api.Body("\"max_tokens\":8", "alerts-demo"));
        string scraped = await host.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken);

        var asked = Metric().Matches(Expressions()).Select(static match => match.Value).Distinct().ToList();
        Assert.True(asked.Count >= 7, string.Join(' ', asked));
        Assert.DoesNotContain(asked, metric => !Regex.IsMatch(scraped, $"^{metric}[{{ ]", RegexOptions.Multiline) && !published.Contains(metric));
        foreach (string label in (string[])["gen_ai_request_model", "smolcluster_state", "http_response_status_code"])
        {
            Assert.Contains(label, Rules, StringComparison.Ordinal);
            Assert.Contains(label + "=\"", scraped, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Alerts_Each_IsExplainedInTheOperatorsGuide()
    {
        string guide = File.ReadAllText(Path.Combine(Repository.Root, "aspire", "OPERATE.md"));
        var alerts = Alert().Matches(Rules).Select(static match => match.Groups[1].Value).ToList();
        Assert.Equal(alerts.Count, alerts.Distinct().Count());
        Assert.All(alerts, alert => Assert.Contains($"`{alert}`", guide, StringComparison.Ordinal));
    }

    private static string Expressions() => string.Join('\n', Rules.Split("- alert:").Skip(1).Select(static rule => rule[rule.IndexOf("expr:", StringComparison.Ordinal)..rule.IndexOf("for:", StringComparison.Ordinal)]));

    /// <summary>What a counter that was never counted will be called: it is not served before.</summary>
    private static string Prometheus(Instrument instrument) => instrument.Name.Replace('.', '_') + (instrument.GetType().Name.StartsWith("Counter", StringComparison.Ordinal) ? "_total" : "");

    [GeneratedRegex("(smolcluster|gen_ai_server|http_server|dotnet)_[a-z_]+_(count|bucket|sum|total|length|pages)")]
    private static partial Regex Metric();

    [GeneratedRegex("- alert: ([A-Za-z]+)")]
    private static partial Regex Alert();
}
