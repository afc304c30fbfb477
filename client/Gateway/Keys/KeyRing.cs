using System.Collections.Frozen;
using Microsoft.Extensions.Options;

namespace SmolCluster.Gateway.Keys;

/// <summary>The keys of this gateway, as its file has them now. A file that became unreadable leaves the keys as they were and says so:
/// an editor's half-written file must neither open the gateway nor close it.</summary>
internal sealed class KeyRing
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private readonly string? path;
    private readonly TimeProvider time;
    private readonly ILogger<KeyRing> logger;
    private readonly Lock reading = new();
    private FrozenDictionary<string, ApiKey> keys = FrozenDictionary<string, ApiKey>.Empty;
    private (DateTime Written, long Length) version;
    private long lastLook;

    /// <exception cref="IOException">The configured file is not there, or cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is no file of keys.</exception>
    public KeyRing(IOptions<GatewayOptions> options, TimeProvider time, ILogger<KeyRing> logger)
    {
        (path, this.time, this.logger) = (options.Value.KeysFile, time, logger);
        if (path is null)
            return;
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no file of API keys at {Path.GetFullPath(path)} (Gateway:KeysFile). Make it with: smol keys add NAME --keys {path}");
        Read(Version());
    }

    /// <summary>Whether requests need a key.</summary>
    public bool Locked => path is not null;

    /// <returns>The key that this is, unless it has expired; null: it is none.</returns>
    public ApiKey? Find(string presented)
    {
        LookNowAndThen();
        return ApiKey.IdIn(presented) is { } id && keys.GetValueOrDefault(id) is { } key && key.Is(presented) && !(key.Expires <= time.GetUtcNow())
            ? key : null;
    }

    private void LookNowAndThen()
    {
        if (time.GetElapsedTime(Interlocked.Read(ref lastLook)) < Freshness)
            return;
        lock (reading)
        {
            if (time.GetElapsedTime(lastLook) < Freshness)
                return;
            try
            {
                if (Version() is var now && now != version)
                    Read(now);
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or InvalidDataException)
            {
                logger.LogError("The file of API keys cannot be read; the keys stay as they were: {Problem}", problem.Message);
            }
            lastLook = time.GetTimestamp();
        }
    }

    private void Read((DateTime, long) now)
    {
        keys = KeyFile.Read(path!).ToFrozenDictionary(key => key.Id);
        (version, lastLook) = (now, time.GetTimestamp());
    }

    private (DateTime, long) Version() => new FileInfo(path!) is var file ? (file.LastWriteTimeUtc, file.Length) : default;
}
