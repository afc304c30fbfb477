using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace SmolCluster.Processes.Tests;

/// <summary>A hub on this machine that serves one repository's files over HTTP, knows ranges, and cuts connections in the middle of
/// bodies as often as it is told.</summary>
internal sealed class CuttingHub : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private readonly List<string> _requests = [];
    private int _cutsLeft;

    /// <param name="repository">OWNER/REPOSITORY.</param>
    /// <param name="cuts">Bodies that end too early, each after a share of its bytes.</param>
    public CuttingHub(string repository, IReadOnlyDictionary<string, byte[]> files, int cuts = 0)
    {
        (Repository, Files, _cutsLeft) = (repository, files, cuts);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Repository { get; }

    public IReadOnlyDictionary<string, byte[]> Files { get; }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Path and, after a space, range of each request for a file.</summary>
    public IReadOnlyList<string> Requests
    {
        get
        {
            lock (_requests)
                return [.. _requests];
        }
    }

    /// <summary>The last bearer token that came, or null.</summary>
    public string? Token { get; private set; }

    public int CutsLeft => _cutsLeft;

    /// <summary>Sends whole files where a range was asked for.</summary>
    public bool IgnoresRanges { get; init; }

    /// <summary>Says this instead of the true checksum.</summary>
    public string? Sha256 { get; init; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
                serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                using NetworkStream stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                await AnswerAsync(stream, reader);
            }
            catch (Exception end) when (end is IOException or OperationCanceledException)
            {
                return; // the other side went
            }
        }
    }

    private async Task AnswerAsync(NetworkStream stream, StreamReader reader)
    {
        string target = (await reader.ReadLineAsync(_stop.Token))?.Split(' ').ElementAtOrDefault(1) ?? "";
        string? range = null;
        while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } line)
        {
            if (line.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase))
                range = line["Range: bytes=".Length..];
            if (line.StartsWith("Authorization: Bearer ", StringComparison.OrdinalIgnoreCase))
                Token = line["Authorization: Bearer ".Length..];
        }

        string prefix = $"/{Repository}/resolve/main/";
        if (target == $"/api/models/{Repository}/tree/main?recursive=true")
            await SendAsync(stream, "200 OK", "", Encoding.UTF8.GetBytes(List()), whole: true);
        else if (target.StartsWith(prefix, StringComparison.Ordinal) && Files.TryGetValue(target[prefix.Length..], out byte[]? file))
            await SendFileAsync(stream, target, range, file);
        else
            await SendAsync(stream, "404 Not Found", "", [], whole: true);
    }

    private async Task SendFileAsync(NetworkStream stream, string target, string? range, byte[] file)
    {
        lock (_requests)
            _requests.Add($"{target} {range}");
        bool cut = Interlocked.Decrement(ref _cutsLeft) >= 0;
        if (IgnoresRanges || range is null)
        {
            await SendAsync(stream, "200 OK", "", file, !cut);
            return;
        }

        int[] ends = [.. range.Split('-').Select(static end => int.Parse(end, CultureInfo.InvariantCulture))];
        await SendAsync(stream, "206 Partial Content", $"Content-Range: bytes {ends[0]}-{ends[1]}/{file.Length}\r\n", file[ends[0]..(ends[1] + 1)], !cut);
    }

    private async Task SendAsync(NetworkStream stream, string status, string headers, byte[] body, bool whole)
    {
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 {status}\r\nContent-Length: {body.Length}\r\n{headers}Connection: close\r\n\r\n"), _stop.Token);
        await stream.WriteAsync(whole ? body : body.AsMemory(0, body.Length * 2 / 3), _stop.Token);
    }

    private string List() => "[" + string.Join(',', Files.Select(file =>
        $$$"""{"type":"file","path":"{{{file.Key}}}","size":{{{file.Value.Length}}},"lfs":{"oid":"{{{Sha256 ?? Convert.ToHexStringLower(SHA256.HashData(file.Value))}}}","size":{{{file.Value.Length}}}}}""")) + "]";
}
