using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace SmolCluster.Cli.Hub;

/// <summary>A file of a repository.</summary>
/// <param name="Sha256">Null: the hub publishes none (small files).</param>
internal sealed record HubFile(string Path, long Bytes, string? Sha256);

/// <summary>Hugging Face's HTTP interface, or a mirror's at HF_ENDPOINT; HF_TOKEN opens what is not public. Proxies are those of
/// HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as .NET takes them.</summary>
internal sealed class HubClient : IDisposable
{
    public const string Revision = "main";
    private const string Public = "https://huggingface.co";
    private const int LongestList = 16 << 20;

    private readonly HttpClient _http;
    private readonly Uri _endpoint;

    public HubClient()
    {
        string endpoint = Environment.GetEnvironmentVariable("HF_ENDPOINT") is { Length: > 0 } own ? own : Public;
        if (!Uri.TryCreate(endpoint.TrimEnd('/') + "/", UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
            throw new CommandFailure($"HF_ENDPOINT: '{endpoint}' is no address; expected one such as {Public}");
        _endpoint = uri;
        // one attempt must not hang for ever; Download sees to the rest
        _http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(30), AutomaticDecompression = DecompressionMethods.None })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("smolcluster", "0.1"));
        if (Environment.GetEnvironmentVariable("HF_TOKEN") is { Length: > 0 } token)
            Authorize(token.Trim());
    }

    /// <summary>The files of a repository.</summary>
    /// <returns>Null: there is no such repository, or it is not public and HF_TOKEN does not open it.</returns>
    public async Task<IReadOnlyList<HubFile>?> FilesAsync(HubName name, CancellationToken cancellation)
    {
        var uri = new Uri(_endpoint, $"api/models/{name.Owner}/{name.Repository}/tree/{Revision}?recursive=true");
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(TimeSpan.FromMinutes(1));
        try
        {
            using HttpResponseMessage response = await _http.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
            if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Unauthorized)
                return null;
            if (!response.IsSuccessStatusCode)
                throw new CommandFailure($"{uri}: the hub answers {(int)response.StatusCode} {response.ReasonPhrase}{Advice(response.StatusCode)}");
            await response.Content.LoadIntoBufferAsync(LongestList, timeout.Token);
            Entry[] entries = JsonSerializer.Deserialize<Entry[]>(await response.Content.ReadAsByteArrayAsync(timeout.Token), JsonSerializerOptions.Web) ?? [];
            return [.. entries.Where(static entry => entry is { Type: "file", Path: not null })
                .Select(static entry => new HubFile(entry.Path!, entry.Lfs?.Size ?? entry.Size, IsSha256(entry.Lfs?.Oid) ? entry.Lfs!.Oid : null))];
        }
        catch (JsonException)
        {
            throw new CommandFailure($"{uri}: the answer is no list of files; is HF_ENDPOINT right?");
        }
        catch (HttpRequestException failure)
        {
            throw new CommandFailure($"{uri}: {failure.Message}");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CommandFailure($"{uri}: no answer within a minute");
        }
    }

    /// <summary>A part of a file; headers read, body not.</summary>
    /// <param name="end">The last byte.</param>
    public Task<HttpResponseMessage> GetAsync(HubName name, string file, long start, long end, CancellationToken cancellation)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_endpoint, $"{name.Owner}/{name.Repository}/resolve/{Revision}/{file}"));
        request.Headers.Range = new RangeHeaderValue(start, end);
        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
    }

    public static string Advice(HttpStatusCode code) => code switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => ": the model is not public; accept its terms on its page and set HF_TOKEN to a token of yours",
        HttpStatusCode.TooManyRequests => ": too many requests; wait a while, or set HF_TOKEN",
        _ => "",
    };

    public void Dispose() => _http.Dispose();

    /// <summary>A token in clear text over a network would be anyone's.</summary>
    private void Authorize(string token)
    {
        if (_endpoint.Scheme != "https" && !_endpoint.IsLoopback)
            throw new CommandFailure($"HF_TOKEN would go over the network unencrypted to {_endpoint}: use https, or unset it");
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    private static bool IsSha256(string? oid) => oid is { Length: 64 } && oid.All(char.IsAsciiHexDigit);

    private sealed record Entry(string? Type, string? Path, long Size, Lfs? Lfs);

    private sealed record Lfs(string? Oid, long Size);
}
