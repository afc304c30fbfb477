using Microsoft.Data.Sqlite;

namespace SmolCluster.Silo.Storage;

/// <summary>The file conversations.db of a data folder, in write-ahead mode: what was written is there after a crash of the
/// process. One process at a time: a lock file beside it says so before two of them disagree.</summary>
internal sealed class SqliteDatabase : IDisposable
{
    private const string FileName = "conversations.db";
    private const int Version = 1;

    private readonly string _connection;
    private readonly FileStream _lock;

    /// <param name="tables">Created if they are missing.</param>
    /// <exception cref="IOException">The folder or file cannot be used; the message says why and what to do.</exception>
    public SqliteDatabase(string folder, IReadOnlyList<string> tables)
    {
        string path = Path.Combine(folder, FileName);
        _lock = Lock(folder);
        _connection = new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = 5 }.ToString();
        try
        {
            Prepare(path, tables);
        }
        catch (Exception problem)
        {
            _lock.Dispose();
            if (problem is not SqliteException sqlite) throw;
            throw new IOException($"{path} cannot be used as the file of conversations ({sqlite.Message}). "
                + "Move it away to begin a new one, or choose another folder with --data (SmolCluster:DataFolder).", sqlite);
        }
    }

    public SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connection);
        connection.Open();
        return connection;
    }

    public void Dispose()
    {
        SqliteConnection.ClearPool(new SqliteConnection(_connection));
        _lock.Dispose();
    }

    private void Prepare(string path, IReadOnlyList<string> tables)
    {
        using var connection = Open();
        // a commit is in the log when it returns; a power cut may take the last ones, a crash of the process none
        Execute(connection, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA user_version";
        if (command.ExecuteScalar() is long version and not 0 and not Version)
            throw new IOException($"{path} was written by another version of SmolCluster (format {version}, this one knows {Version}). "
                + "Choose another folder with --data (SmolCluster:DataFolder).");
        foreach (string table in tables)
            Execute(connection, $"CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY, etag INTEGER NOT NULL, written INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID");
        Execute(connection, $"PRAGMA user_version = {Version}");
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static FileStream Lock(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
            return new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"The data folder '{folder}' cannot be used ({problem.Message}). It holds the conversations of one process at a time: "
                + "end the other one, or choose another folder with --data (SmolCluster:DataFolder).", problem);
        }
    }
}
