using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;

namespace SmolCluster.Chaos;

/// <summary>How an answer came to a client.</summary>
/// <param name="Transcript">Null: it did not come to its end.</param>
/// <param name="Repeats">Chunks whose id had come already.</param>
/// <param name="LongestPause">Between two chunks.</param>
internal sealed record Delivery(Transcript? Transcript, string? Problem, int Repeats, TimeSpan LongestPause);

/// <summary>A stream being read, for whoever wants to disturb it.</summary>
internal sealed class Progress
{
    public string Gateway { get; set; } = "";

    /// <summary>That began the answer; empty before.</summary>
    public string Silo { get; set; } = "";

    public int Chunks { get; set; }

    public bool Ended { get; set; }
}

/// <summary>Reads answers the way a careful client of the API does: when its connection breaks it asks another gateway for the
/// rest after the last id it has.</summary>
internal sealed class StreamClient(ClusterProcesses cluster)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly HttpClient Http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = Timeout.InfiniteTimeSpan };

    public Task<Delivery> AskAsync(Question question, string gateway, Action chunk, CancellationToken cancellation) =>
        AskAsync(question, new Progress { Gateway = gateway }, chunk, cancellation);

    public async Task<Delivery> AskAsync(Question question, Progress progress, Action chunk, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        var reading = new Reading(progress, chunk);
        try
        {
            while (!progress.Ended)
            {
                try
                {
                    using var request = reading.Request(question, cluster.Url(progress.Gateway));
                    using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
                    await reading.ReadAsync(response, limit.Token);
                }
                catch (Exception failure) when (failure is HttpRequestException or IOException)
                {
                    progress.Gateway = cluster.Gateways.First(other => other != progress.Gateway);
                    await Task.Delay(50, limit.Token);
                }
            }
            return reading.Delivery(null);
        }
        catch (Exception failure) when (failure is InvalidDataException or OperationCanceledException)
        {
            progress.Ended = true;
            return reading.Delivery($"{failure.GetType().Name}: {failure.Message}");
        }
    }

    private sealed class Reading(Progress progress, Action chunk)
    {
        private readonly StringBuilder text = new();
        private readonly HashSet<long> seen = [];
        private string? id;
        private string finishReason = "";
        private string usage = "";
        private long last;
        private int repeats;
        private long lastTime;
        private TimeSpan longestPause;

        public HttpRequestMessage Request(Question question, string url)
        {
            if (id is null)
                return new(HttpMethod.Post, $"{url}/v1/chat/completions") { Content = new StringContent(question.Body.ToJsonString(), Encoding.UTF8, "application/json") };
            var request = new HttpRequestMessage(HttpMethod.Get, $"{url}/v1/chat/completions/{id}/events");
            request.Headers.Add("Last-Event-ID", $"{last}");
            return request;
        }

        public async Task ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
        {
            // what a client tries again, as OpenAI's does
            if (response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.BadGateway or HttpStatusCode.TooManyRequests or HttpStatusCode.Conflict)
                throw new HttpRequestException(await response.Content.ReadAsStringAsync(cancellation));
            if (!response.IsSuccessStatusCode)
                throw new InvalidDataException($"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(cancellation)}");
            if (response.Headers.TryGetValues("X-SmolCluster-Silo", out var silos))
                progress.Silo = silos.First();
            using var lines = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation), Encoding.UTF8);
            long number = 0;
            while (!progress.Ended)
            {
                string line = await lines.ReadLineAsync(cancellation) ?? throw new IOException("The stream ended without [DONE].");
                if (line.StartsWith("id: ", StringComparison.Ordinal))
                    number = long.Parse(line[4..]);
                else if (line.StartsWith("data: ", StringComparison.Ordinal))
                    Take(number, line[6..]);
            }
        }

        public Delivery Delivery(string? problem) =>
            new(problem is null ? new(text.ToString(), finishReason, usage) : null, problem, repeats, longestPause);

        private void Take(long number, string data)
        {
            if (data == "[DONE]")
            {
                progress.Ended = true;
                return;
            }
            using var json = JsonDocument.Parse(data);
            // the gateway itself was told to end: the rest is to be had from another, or from this one when it is back
            if (json.RootElement.TryGetProperty("error", out var error) && error.GetProperty("type").GetString() == "server_error")
                throw new IOException($"{error}");
            if (error.ValueKind != JsonValueKind.Undefined)
                throw new InvalidDataException($"error after {progress.Chunks} chunks: {error}");
            if (!seen.Add(number))
                repeats++;
            Measure();
            id = json.RootElement.GetProperty("id").GetString();
            last = number;
            foreach (var choice in json.RootElement.GetProperty("choices").EnumerateArray())
            {
                if (choice.GetProperty("delta").TryGetProperty("content", out var content))
                    text.Append(content.GetString());
                finishReason = choice.GetProperty("finish_reason").GetString() ?? finishReason;
            }
            if (json.RootElement.TryGetProperty("usage", out var counted))
                usage = QuestionPool.Comparable(counted);
            progress.Chunks++;
            chunk();
        }

        private void Measure()
        {
            if (lastTime != 0 && Stopwatch.GetElapsedTime(lastTime) is var pause && pause > longestPause)
                longestPause = pause;
            lastTime = Stopwatch.GetTimestamp();
        }
    }
}
