using System.Net.Http.Json;

namespace SmolCluster.Chaos;

/// <summary>One chat whose silo is killed in the middle of its answer, as its trace tells it: the nodes send their telemetry here, and the
/// trace that the client began is read back with every hop. A silo that is killed cannot send what it had not finished, so of the first
/// stretch the spans that ended before are there: prompt, queue and prefill.</summary>
internal sealed class TraceScenario(ClusterProcesses cluster, OtlpReceiver telemetry)
{
    private const string Name = "stub-paced";
    private const string Word = "Rumpelstilzchen"; // of the question: it must stand nowhere
    private const int Tokens = 48;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string trace = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());
    private readonly string client = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray().AsSpan(0, 8));
    private readonly List<string> problems = [];

    /// <summary>The batch loop at a model's pace: an answer of some seconds.</summary>
    public static IReadOnlyDictionary<string, string> Model { get; } = new Dictionary<string, string> { ["SmolCluster__Models__0__Path"] = "stub:paced" };

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        string gateway = cluster.Gateways[0];
        var (victim, pieces) = await AskAsync(gateway, limit.Token);
        await telemetry.FirstAsync(span => span.Trace == trace && span.Name.StartsWith("chat", StringComparison.Ordinal), limit.Token);
        await telemetry.FirstAsync(span => span.Trace == trace && span.Name == "go on", limit.Token);
        await telemetry.FirstAsync(span => span.Trace == trace && span.Parent == client, limit.Token);
        var spans = telemetry.Spans.Where(span => span.Trace == trace).OrderBy(static span => span.Start).ToList();
        Print(spans, client, "");
        foreach (var orphan in spans.Where(span => span.Parent != client && spans.All(other => other.Id != span.Parent)))
            Print([orphan], orphan.Parent, $"(under a span that died with {victim}) ");
        Check(spans, gateway, victim, cluster.Silos.Single(silo => silo != victim));
        Require(pieces == Tokens, $"{pieces} of {Tokens} tokens came");
        Require(!spans.Any(static span => span.Name.Contains(Word) || span.Attributes.Values.Any(static value => value.Contains(Word))), "the question stands in the trace");
        problems.ForEach(static problem => Console.WriteLine($"  FAILED: {problem}"));
        Console.WriteLine($"{spans.Count} spans of one trace, by {string.Join(", ", spans.Select(static span => span.Service).Distinct().Order())}; {victim} was killed");
        return problems.Count == 0 ? 0 : 1;
    }

    /// <returns>The silo that was killed, and how many tokens came.</returns>
    private async Task<(string Victim, int Pieces)> AskAsync(string gateway, CancellationToken cancellation)
    {
        using var http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{cluster.Url(gateway)}/v1/chat/completions")
        {
            Headers = { { "traceparent", $"00-{trace}-{client}-01" } },
            Content = JsonContent.Create(new { model = Name, stream = true, max_tokens = Tokens, messages = (object[])[new { role = "user", content = Word }] }),
        };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        using var lines = new StreamReader(await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(cancellation));
        string victim = response.Headers.GetValues("X-SmolCluster-Silo").Single();
        int pieces = 0;
        while (await lines.ReadLineAsync(cancellation) is { } line && line != "data: [DONE]")
        {
            if (!line.Contains("\"delta\":{\"content\":", StringComparison.Ordinal) || ++pieces != Tokens / 4)
                continue;
            await telemetry.FirstAsync(span => span.Trace == trace && span.Service == victim && span.Name == "prefill", cancellation);
            cluster[victim].Signal(ServerProcess.Kill);
        }
        return (victim, pieces);
    }

    private void Check(List<OtlpSpan> spans, string gateway, string victim, string survivor)
    {
        var http = One(spans, gateway, span => span.Parent == client, "the request");
        var chat = One(spans, gateway, span => span.Name == $"chat {Name}" && span.Parent == http?.Id, "the answer under the request");
        Require(http?.Name == "POST /v1/chat/completions", $"the request is called {http?.Name}");
        Require(chat?.Attributes.GetValueOrDefault("gen_ai.usage.output_tokens") == $"{Tokens}", "the answer's tokens are not in its span");
        var first = One(spans, gateway, span => span.Name == "attempt" && span.Parent == chat?.Id, "the attempt");
        Require(first is { Failed: true } && first.Attributes.ContainsKey("error.type") && first.Attributes.GetValueOrDefault("smolcluster.silo") == victim, "the attempt does not tell what broke and where");
        foreach (string phase in (string[])["prompt", "queue", "prefill"])
            Require(spans.Any(span => span.Service == victim && span.Name == phase), $"no {phase} of {victim}");
        var goOn = One(spans, survivor, static span => span.Name == "go on", "the rest");
        Require(spans.Any(span => span.Service == gateway && span.Name == "attempt again" && span.Id == goOn?.Parent && span.Parent == chat?.Id), "the rest is under no further attempt");
        foreach (string phase in (string[])["prompt", "queue", "prefill", "decode"])
            Require(spans.Any(span => span.Service == survivor && span.Name == phase && span.Parent == goOn?.Id), $"no {phase} of {survivor} under the rest");
    }

    private OtlpSpan? One(List<OtlpSpan> spans, string service, Func<OtlpSpan, bool> wanted, string what)
    {
        var found = spans.Where(span => span.Service == service && wanted(span)).ToList();
        Require(found.Count == 1, $"{found.Count} spans are {what} at {service}");
        return found.FirstOrDefault();
    }

    private void Require(bool holds, string problem)
    {
        if (!holds)
            problems.Add(problem);
    }

    private static void Print(List<OtlpSpan> spans, string parent, string indent)
    {
        foreach (var span in spans.Where(span => span.Parent == parent))
        {
            string error = span.Failed ? $" FAILED {span.Attributes.GetValueOrDefault("error.type")}" : "";
            Console.WriteLine($"{indent}{span.Service}: {span.Name}, {span.Milliseconds:F0} ms{error}");
            Print(spans, span.Id, indent + "  ");
        }
    }
}
