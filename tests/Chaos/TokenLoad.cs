using System.Diagnostics;
using System.Net.Http.Json;

namespace SmolCluster.Chaos;

/// <summary>Clients that ask one question after the other and count the tokens they get.</summary>
/// <param name="perAnswer">Tokens of each answer.</param>
internal sealed class TokenLoad(ClusterProcesses cluster, string model, int perAnswer)
{
    private static readonly TimeSpan Stagger = TimeSpan.FromMilliseconds(20);
    private static readonly HttpClient Http = new(new SocketsHttpHandler()) { Timeout = Timeout.InfiniteTimeSpan };

    private long tokens;

    /// <summary>Keeps so many clients asking while something is measured.</summary>
    public async Task<T> DuringAsync<T>(int clients, Func<Task<T>> measure, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var readers = Enumerable.Range(0, clients).Select(number => AskAsync(number, stop.Token)).ToArray();
        try
        {
            return await measure();
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(readers);
        }
    }

    /// <summary>What comes in a while, and what the nodes compute for it.</summary>
    public async Task<Throughput> MeasureAsync(TimeSpan time, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp(), before = Interlocked.Read(ref tokens);
        var worked = cluster.ProcessorTime();
        await Task.Delay(time, cancellation);
        return new(Interlocked.Read(ref tokens) - before, cluster.ProcessorTime() - worked, Stopwatch.GetElapsedTime(start));
    }

    private async Task AskAsync(int number, CancellationToken cancellation)
    {
        string url = cluster.Url(cluster.Gateways[number % cluster.Gateways.Count]);
        try
        {
            await Task.Delay(Stagger * number, cancellation);
            for (int asked = 0; ; asked++)
                await ReadAsync(url, $"client-{number}", $"{number}.{asked}", cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // told to stop
        }
    }

    private async Task ReadAsync(string url, string user, string question, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{url}/v1/chat/completions")
        {
            Content = JsonContent.Create(new { model, stream = true, user, max_tokens = perAnswer, messages = (object[])[new { role = "user", content = question }] }),
        };
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation));
        if (!response.IsSuccessStatusCode)
            throw new InvalidOperationException($"{(int)response.StatusCode} {await lines.ReadToEndAsync(cancellation)}");
        while (await lines.ReadLineAsync(cancellation) is { } line && line != "data: [DONE]")
        {
            if (line.Contains("\"delta\":{\"content\":", StringComparison.Ordinal))
                Interlocked.Increment(ref tokens);
            else if (line.StartsWith("data: {\"error\"", StringComparison.Ordinal))
                throw new InvalidOperationException(line);
        }
    }
}

/// <param name="Tokens">That came.</param>
/// <param name="Worked">Processor time of all silos and gateways.</param>
/// <param name="Time">That it took.</param>
internal sealed record Throughput(long Tokens, TimeSpan Worked, TimeSpan Time)
{
    public double Rate => Tokens / Time.TotalSeconds;

    /// <summary>Processors kept busy.</summary>
    public double Busy => Worked / Time;
}
