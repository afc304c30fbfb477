using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;

namespace SmolCluster.Chaos;

/// <summary>A few users ask one short question after the other, first alone and then beside one who has hundreds of long answers
/// running and waiting on every silo: how much longer their answers take, and that none of them is refused. Models take the true
/// time of a step and no processor (stub:paced).</summary>
internal sealed class FloodScenario(ClusterProcesses cluster, TimeSpan time)
{
    /// <summary>A step with the flood's share, 12.8 tokens at most beside the others', is 2.5 times as long as one without; the rest is the
    /// step that a newcomer waits for.</summary>
    private const double MostLonger = 3;

    private const int Users = 4;
    private const int FloodedRequests = 400;
    private static readonly HttpClient Http = new(new SocketsHttpHandler()) { Timeout = Timeout.InfiniteTimeSpan };

    private int refused;

    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var alone = await UsersAsync(cancellation);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var flood = Enumerable.Range(0, FloodedRequests).Select(number => FloodAsync(number, stop.Token)).ToArray();
        await Task.Delay(time / 4, cancellation);
        var beside = await UsersAsync(cancellation);
        await stop.CancelAsync();
        await Task.WhenAll(flood);
        double median = Median(beside) / Median(alone), worst = Worst(beside) / Worst(alone);
        Console.WriteLine($"alone: {alone.Count} answers, median {Median(alone):F2} s, p95 {Worst(alone):F2} s; beside a flood of {FloodedRequests} requests "
            + $"({refused} times refused): {beside.Count} answers, median {Median(beside):F2} s, p95 {Worst(beside):F2} s");
        Console.WriteLine($"the flood makes others' answers {median:F2} times as long, the p95 {worst:F2} times (at most {MostLonger:F1})");
        // whoever floods left in the middle of hundreds of answers: nothing of them stays in anybody's way
        await Task.Delay(TimeSpan.FromSeconds(2), cancellation);
        var after = await UsersAsync(cancellation);
        Console.WriteLine($"after the flood has left: median {Median(after):F2} s");
        return median <= MostLonger && worst <= MostLonger && Median(after) <= 1.5 * Median(alone) ? 0 : 1;
    }

    /// <summary>Seconds of each of the users' answers.</summary>
    private async Task<List<double>> UsersAsync(CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        var answers = await Task.WhenAll(Enumerable.Range(0, Users).Select(async user =>
        {
            List<double> seconds = [];
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                long asked = Stopwatch.GetTimestamp();
                using var response = await AskAsync($"user-{user}", $"{user} {seconds.Count}", 16, cancellation);
                await response.Content.ReadAsStringAsync(cancellation);
                if (!response.IsSuccessStatusCode)
                    throw new InvalidOperationException($"A user who floods nothing was refused: {(int)response.StatusCode}");
                seconds.Add(Stopwatch.GetElapsedTime(asked).TotalSeconds);
            }
            return seconds;
        }));
        return [.. answers.SelectMany(static each => each)];
    }

    private async Task FloodAsync(int number, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                using var response = await AskAsync("flood", $"{number} {new string('x', 200)}", 300, cancellation);
                await response.Content.ReadAsStringAsync(cancellation);
                if (response.StatusCode == HttpStatusCode.TooManyRequests)
                {
                    Interlocked.Increment(ref refused);
                    await Task.Delay(response.Headers.RetryAfter?.Delta ?? throw new InvalidOperationException("A 429 without Retry-After."), cancellation);
                }
                else if (!response.IsSuccessStatusCode)
                    throw new InvalidOperationException($"The flood was refused with {(int)response.StatusCode}");
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // told to leave
        }
    }

    private Task<HttpResponseMessage> AskAsync(string user, string question, int tokens, CancellationToken cancellation) =>
        Http.PostAsJsonAsync($"{cluster.Url(cluster.Gateways[question[0] % cluster.Gateways.Count])}/v1/chat/completions",
            new { model = "stub-paced", user, max_tokens = tokens, messages = (object[])[new { role = "user", content = question }] }, cancellation);

    private static double Median(List<double> seconds) => seconds.Order().ElementAt(seconds.Count / 2);

    private static double Worst(List<double> seconds) => seconds.Order().ElementAt((int)Math.Ceiling(seconds.Count * 0.95) - 1);
}
