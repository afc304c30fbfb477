using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace SmolCluster.Cli;

/// <summary>Asks a running server over HTTP, with a bounded wait for each answer.</summary>
/// <param name="key">Null: none is sent.</param>
internal sealed class ServerCalls(Uri url, string? key = null) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http = new() { BaseAddress = url, Timeout = Patience, MaxResponseContentBufferSize = 1 << 20 };

    public Task<(HttpStatusCode Status, string Body)> GetAsync(string path, CancellationToken cancellation) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, path), cancellation);

    public Task<(HttpStatusCode Status, string Body)> PostAsync(string path, string json, CancellationToken cancellation) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") }, cancellation);

    public void Dispose() => _http.Dispose();

    /// <summary>What a server says in OpenAI's form of an error; null: it says nothing.</summary>
    public static string? ErrorIn(string body)
    {
        try
        {
            return JsonSerializer.Deserialize<ErrorBody>(body, JsonSerializerOptions.Web)?.Error?.Message;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task<(HttpStatusCode Status, string Body)> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        using HttpRequestMessage sent = request;
        if (key is not null)
            sent.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        try
        {
            using HttpResponseMessage response = await _http.SendAsync(sent, cancellation);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(cancellation));
        }
        catch (HttpRequestException failure)
        {
            throw new NoAnswer($"{new Uri(url, sent.RequestUri!)}: nothing answers: {failure.Message}");
        }
        catch (TaskCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new NoAnswer($"{new Uri(url, sent.RequestUri!)}: no answer within {Patience.TotalSeconds} seconds");
        }
    }

    private sealed record ErrorBody(ErrorText? Error);

    private sealed record ErrorText(string? Message);
}

/// <summary>Nothing listens there, or it does not answer in time.</summary>
internal sealed class NoAnswer(string message) : Exception(message);
