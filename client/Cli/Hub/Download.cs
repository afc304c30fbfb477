using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using SmolCluster.Cli.Files;

namespace SmolCluster.Cli.Hub;

/// <summary>
/// One file from the hub to the disk, in pieces by several connections at once. What has come is kept in FILE.part and noted in
/// FILE.part.json, so that a cut connection, a stopped program or a full night later it goes on where it was; the checksum of the
/// whole is proved before the file gets its name.
/// </summary>
internal sealed class Download(HubClient hub, HubName name, HubFile file, string path)
{
    private const long PieceBytes = 8 << 20;
    private const int BufferBytes = 1 << 17;

    /// <summary>Failures in a row without a single new byte, after which it is given up.</summary>
    private const int MostFailures = 6;

    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private long[] _done = []; // bytes of each piece
    private int _next, _failures;
    private bool _dirty;

    private string Part => path + ".part";

    private string Notes => path + ".part.json";

    /// <summary>Bytes that are on the disk.</summary>
    public long Done { get; private set; }

    /// <param name="connections">At once.</param>
    /// <param name="report">Told the bytes on the disk, from any thread.</param>
    /// <exception cref="CommandFailure">No room, no connection after several attempts, or a wrong checksum.</exception>
    public async Task RunAsync(int connections, Action<long> report, CancellationToken cancellation)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using (SafeFileHandle target = OpenPart())
        {
            Resume(target);
            TargetFile.RequireRoom(path, file.Bytes - Done);
            report(Done);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            Task[] workers = [.. Enumerable.Range(0, Math.Min(connections, _done.Length)).Select(_ => WorkAsync(target, report, stop))];
            try
            {
                await Task.WhenAll(workers);
            }
            finally
            {
                Note();
            }
        }

        Check();
        File.Move(Part, path, overwrite: true);
        File.Delete(Notes);
    }

    private SafeFileHandle OpenPart()
    {
        try
        {
            return File.OpenHandle(Part, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, FileOptions.Asynchronous);
        }
        catch (IOException failure) when (File.Exists(Part))
        {
            throw new CommandFailure($"{Part}: another smol pull seems to write it ({failure.Message})");
        }
    }

    private void Resume(SafeFileHandle target)
    {
        int pieces = (int)((file.Bytes + PieceBytes - 1) / PieceBytes);
        Progress? known = ReadNotes();
        bool same = known is not null && known.Bytes == file.Bytes && known.Sha256 == file.Sha256 && known.Done.Length == pieces
            && !known.Done.Where((done, i) => done < 0 || done > LengthOf(i)).Any() && RandomAccess.GetLength(target) == file.Bytes;
        _done = same ? known!.Done : new long[pieces];
        if (!same)
            RandomAccess.SetLength(target, file.Bytes);
        Done = _done.Sum();
    }

    private Progress? ReadNotes()
    {
        try
        {
            return File.Exists(Notes) ? JsonSerializer.Deserialize<Progress>(File.ReadAllText(Notes), JsonSerializerOptions.Web) : null;
        }
        catch (JsonException)
        {
            return null; // written half: it begins anew
        }
    }

    private void Note()
    {
        lock (_lock)
        {
            if (!_dirty)
                return;
            _dirty = false;
            string partial = Notes + ".new";
            File.WriteAllText(partial, JsonSerializer.Serialize(new Progress(file.Bytes, file.Sha256, _done), JsonSerializerOptions.Web));
            File.Move(partial, Notes, overwrite: true);
        }
    }

    private long LengthOf(int piece) => Math.Min(PieceBytes, file.Bytes - (piece * PieceBytes));

    private async Task WorkAsync(SafeFileHandle target, Action<long> report, CancellationTokenSource stop)
    {
        while (Interlocked.Increment(ref _next) - 1 is var piece && piece < _done.Length)
        {
            while (_done[piece] < LengthOf(piece))
            {
                try
                {
                    await FetchAsync(target, piece, report, stop.Token);
                }
                catch (Exception failure) when (IsPassing(failure, stop.Token))
                {
                    int failures = Interlocked.Increment(ref _failures);
                    if (failures >= MostFailures)
                    {
                        await stop.CancelAsync();
                        throw new CommandFailure($"{name}: {failure.Message} ({failures} attempts in a row brought nothing; {Terminal.Bytes(Done)} are kept, and the same command goes on from there)");
                    }

                    // at once after the first failure; then 0.25, 0.5, 1 … seconds
                    await Task.Delay(failures == 1 ? 0 : 125 << Math.Min(failures - 1, 6), stop.Token);
                }
                catch (CommandFailure)
                {
                    await stop.CancelAsync();
                    throw;
                }
            }

            Note();
        }
    }

    private static bool IsPassing(Exception failure, CancellationToken stop) =>
        !stop.IsCancellationRequested && failure is (HttpRequestException or IOException or OperationCanceledException);

    private async Task FetchAsync(SafeFileHandle target, int piece, Action<long> report, CancellationToken stop)
    {
        long start = (piece * PieceBytes) + _done[piece], end = (piece * PieceBytes) + LengthOf(piece) - 1;
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(stop);
        silence.CancelAfter(LongestSilence);
        using HttpResponseMessage response = await hub.GetAsync(name, file.Path, start, end, silence.Token);
        long skip = RequireRange(response, start, end);
        using Stream body = await response.Content.ReadAsStreamAsync(silence.Token);
        byte[] buffer = new byte[BufferBytes];
        while (start <= end)
        {
            silence.CancelAfter(LongestSilence);
            int count = await body.ReadAsync(buffer, silence.Token);
            if (count == 0)
                throw new IOException("the connection was cut");
            int useless = (int)Math.Min(skip, count);
            skip -= useless;
            int take = (int)Math.Min(count - useless, end - start + 1);
            if (take == 0)
                continue;
            await RandomAccess.WriteAsync(target, buffer.AsMemory(useless, take), start, stop);
            start += take;
            Account(piece, take, report);
        }
    }

    private void Account(int piece, int bytes, Action<long> report)
    {
        lock (_lock)
        {
            _done[piece] += bytes;
            Done += bytes;
            _failures = 0;
            _dirty = true;
        }

        report(Done);
    }

    /// <summary>Bytes of the body to leave out: none, or all before <paramref name="start"/> where the server knows no ranges.</summary>
    private long RequireRange(HttpResponseMessage response, long start, long end)
    {
        HttpStatusCode code = response.StatusCode;
        if (code == HttpStatusCode.PartialContent)
        {
            return response.Content.Headers.ContentRange is { From: { } from, To: { } to, Length: var length } && from == start && to == end && (length is null || length == file.Bytes) ? 0
                : throw new CommandFailure($"{name}: asked for bytes {start} to {end} of {file.Bytes}, the server sends {response.Content.Headers.ContentRange}; the file was changed meanwhile, or a proxy mixes things up");
        }

        if (code == HttpStatusCode.OK)
        {
            return response.Content.Headers.ContentLength is not { } all || all == file.Bytes ? start
                : throw new CommandFailure($"{name}: the file has {all} bytes; expected {file.Bytes}");
        }

        if ((int)code >= 500 || code is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout)
            throw new HttpRequestException($"the server answers {(int)code} {response.ReasonPhrase}{HubClient.Advice(code)}");
        throw new CommandFailure($"{name}: the server answers {(int)code} {response.ReasonPhrase} for {file.Path}{HubClient.Advice(code)}");
    }

    private void Check()
    {
        if (file.Sha256 is null)
            return;
        string found = Checksum.Sha256(Part);
        if (found.Equals(file.Sha256, StringComparison.OrdinalIgnoreCase))
            return;
        File.Delete(Part);
        File.Delete(Notes);
        throw new CommandFailure($"{name}: {file.Path} came with the SHA-256 {found}; the hub publishes {file.Sha256}. What came was thrown away; pull it again");
    }

    private sealed record Progress(long Bytes, string? Sha256, long[] Done);
}

internal static class Checksum
{
    /// <summary>In lower case.</summary>
    public static string Sha256(string path)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.SequentialScan);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
