using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>Many streams at once through gateway and silo, over real connections: none fails, none loses a token. How much later a token
/// comes than from the stub alone, beside as many others, is told in the test's output. SMOL_LOAD_SECONDS makes it run longer
/// (the minute: 60), SMOL_LOAD_STREAMS and SMOL_LOAD_INTERVAL_MS change the load.</summary>
public sealed class LoadTests(ITestOutputHelper output)
{
    private static readonly int Streams = Setting("SMOL_LOAD_STREAMS", 500);
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(Setting("SMOL_LOAD_SECONDS", 4));

    /// <summary>A token each: 500 streams make 2,500 tokens a second.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(Setting("SMOL_LOAD_INTERVAL_MS", 200));

    private static int Tokens => Math.Max(5, (int)(Duration / Interval / 4)); // so that streams end and begin all the time

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Streams_ManyAtOnce_AllWholeAndNoneFails()
    {
        var stub = new StubOptions { Id = "load-stub", Text = new string('x', Tokens), TokenInterval = Interval, MostAnswers = 2 * Streams };
        using var alone = new StubChatModel(stub, TimeProvider.System);
        var direct = await RunAsync(_ => DirectAsync(alone));

        await using var host = await GatewayHost.StartAsync(new ModelSource(stub.Id, ModelKind.Stub, (_, _) => new StubChatModel(stub, TimeProvider.System)));
        await host.ReadyAsync();
        string body = Api.Body("\"stream\":true", stub.Id);
        var served = await RunAsync(first => ServedAsync(host.Http, body, first));

        output.WriteLine($"{Streams} streams at once for {Duration.TotalSeconds:F0} s, a token each {Interval.TotalMilliseconds:F0} ms: {served.Answers} answers, {served.Gaps.Count} tokens, no error");
        output.WriteLine($"between tokens: stub alone mean {direct.Mean:F1} ms, p99 {direct.Percentile(0.99):F1} ms; through the gateway mean {served.Mean:F1} ms, p99 {served.Percentile(0.99):F1} ms: "
            + $"added {served.Mean - direct.Mean:F1} ms a token in the mean, {served.Percentile(0.99) - direct.Percentile(0.99):F1} ms at p99");
        output.WriteLine($"to the first token: median {served.FirstPercentile(0.5):F0} ms, p99 {served.FirstPercentile(0.99):F0} ms, of which the stub takes {Interval.TotalMilliseconds:F0} ms");
        Assert.True(served.Answers >= Streams);
    }

    /// <summary>So many readers, each with one answer after the other until the time is over.</summary>
    private static async Task<Figures> RunAsync(Func<List<double>, Task<List<double>>> answer)
    {
        var (figures, clock) = (new Figures(), Stopwatch.StartNew());
        await Task.WhenAll(Enumerable.Range(0, Streams).Select(reader => Task.Run(async () =>
        {
            await Task.Delay(Interval * reader / Streams, Cancellation); // spread over the first interval
            do
            {
                var first = new List<double>();
                figures.Add(await answer(first), first);
            }
            while (clock.Elapsed < Duration);
        }, Cancellation)));
        return figures;
    }

    private static async Task<List<double>> DirectAsync(StubChatModel stub)
    {
        var generation = stub.Submit(new GenerationRequest([1], 1, 1000, new SamplingOptions(), "load"));
        var (gaps, last) = (new List<double>(Tokens), 0L);
        await foreach (int token in generation.Tokens.ReadAllAsync(Cancellation))
            if (token != StubChatModel.EndToken)
                Tick(gaps, ref last);
        return gaps;
    }

    private static async Task<List<double>> ServedAsync(HttpClient http, string body, List<double> first)
    {
        long began = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Post, Api.Chat) { Content = Api.Json(Encoding.UTF8.GetBytes(body)) };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(Cancellation));
        var (gaps, last, done) = (new List<double>(Tokens), 0L, false);
        while (await lines.ReadLineAsync(Cancellation) is { } line)
        {
            Assert.DoesNotContain("\"error\"", line);
            done |= line == "data: [DONE]";
            if (!line.Contains("\"content\":\"x\""))
                continue;
            if (first.Count == 0)
                first.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            Tick(gaps, ref last);
        }
        Assert.True(done);
        Assert.Equal(Tokens - 1, gaps.Count);
        return gaps;
    }

    private static void Tick(List<double> gaps, ref long last)
    {
        long now = Stopwatch.GetTimestamp();
        if (last != 0)
            gaps.Add(Stopwatch.GetElapsedTime(last, now).TotalMilliseconds);
        last = now;
    }

    private static int Setting(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private sealed class Figures
    {
        private readonly List<double> firsts = [];

        public List<double> Gaps { get; } = [];

        public int Answers { get; private set; }

        public double Mean => Gaps.Average();

        public void Add(List<double> gaps, List<double> first)
        {
            lock (Gaps)
            {
                Answers++;
                Gaps.AddRange(gaps);
                firsts.AddRange(first);
            }
        }

        public double Percentile(double share) => At(Gaps, share);

        public double FirstPercentile(double share) => At(firsts, share);

        private static double At(List<double> values, double share)
        {
            values.Sort();
            return values[(int)((values.Count - 1) * share)];
        }
    }
}
