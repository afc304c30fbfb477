using System.Globalization;
using Microsoft.Data.Sqlite;
using Orleans.Storage;

namespace SmolCluster.Silo.Storage;

/// <summary>Grain storage in a SQLite file, for one process: a row a grain, etags counted in the row, so that a write on a
/// record that someone else has changed fails instead of winning. Calls run on the thread pool: SQLite waits for the disk.</summary>
/// <param name="lifetime">Rows not written for this long are dropped; null: none are.</param>
internal sealed class SqliteGrainStorage(SqliteDatabase database, string table, TimeSpan? lifetime, IGrainStorageSerializer serializer, TimeProvider time)
    : IGrainStorage
{
    /// <summary>A conversation is text; what is larger than this did not come from the gateway.</summary>
    private const int LargestRecord = 128 * 1024 * 1024;

    private long _lastPurge;

    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => Task.Run(() =>
    {
        using var connection = database.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT etag, data FROM {table} WHERE id = $id";
        command.Parameters.AddWithValue("$id", Key(stateName, grainId));
        using var row = command.ExecuteReader();
        grainState.RecordExists = row.Read();
        grainState.ETag = grainState.RecordExists ? row.GetInt64(0).ToString(CultureInfo.InvariantCulture) : null;
        grainState.State = grainState.RecordExists ? serializer.Deserialize<T>(new BinaryData((byte[])row[1])) : Activator.CreateInstance<T>();
    });

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        byte[] data = serializer.Serialize(grainState.State).ToArray();
        if (data.Length > LargestRecord)
            throw new InvalidOperationException($"The record of {grainId} has {data.Length} bytes; at most {LargestRecord} are stored.");
        return Task.Run(() =>
        {
            PurgeNowAndThen();
            using var connection = database.Open();
            using var command = connection.CreateCommand();
            command.CommandText = grainState.ETag is null
                ? $"INSERT INTO {table} (id, etag, written, data) VALUES ($id, 1, $now, $data) ON CONFLICT DO NOTHING RETURNING etag"
                : $"UPDATE {table} SET etag = etag + 1, written = $now, data = $data WHERE id = $id AND etag = $etag RETURNING etag";
            AddKey(command, stateName, grainId, grainState.ETag);
            command.Parameters.AddWithValue("$now", time.GetUtcNow().ToUnixTimeSeconds());
            command.Parameters.AddWithValue("$data", data);
            if (command.ExecuteScalar() is not long etag)
                throw Inconsistent(stateName, grainId, grainState.ETag);
            grainState.ETag = etag.ToString(CultureInfo.InvariantCulture);
            grainState.RecordExists = true;
        });
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) => Task.Run(() =>
    {
        using var connection = database.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"DELETE FROM {table} WHERE id = $id AND etag = $etag";
        AddKey(command, stateName, grainId, grainState.ETag);
        if (command.ExecuteNonQuery() == 0 && grainState.ETag is not null)
            throw Inconsistent(stateName, grainId, grainState.ETag);
        (grainState.ETag, grainState.RecordExists, grainState.State) = (null, false, Activator.CreateInstance<T>());
    });

    /// <summary>At most once a minute, by whoever writes.</summary>
    private void PurgeNowAndThen()
    {
        long now = time.GetUtcNow().ToUnixTimeSeconds();
        long last = Interlocked.Read(ref _lastPurge);
        if (lifetime is not { } age || now - last < 60 || Interlocked.CompareExchange(ref _lastPurge, now, last) != last) return;
        using var connection = database.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"DELETE FROM {table} WHERE written < $oldest";
        command.Parameters.AddWithValue("$oldest", now - (long)age.TotalSeconds);
        command.ExecuteNonQuery();
    }

    private static void AddKey(SqliteCommand command, string stateName, GrainId grainId, string? etag)
    {
        command.Parameters.AddWithValue("$id", Key(stateName, grainId));
        if (etag is not null) command.Parameters.AddWithValue("$etag", long.Parse(etag, CultureInfo.InvariantCulture));
        else command.Parameters.AddWithValue("$etag", DBNull.Value);
    }

    private static string Key(string stateName, GrainId grainId) => $"{stateName}/{grainId}";

    private static InconsistentStateException Inconsistent(string stateName, GrainId grainId, string? etag) =>
        new($"The record {Key(stateName, grainId)} was changed by someone else since version {etag ?? "none"}.");
}
