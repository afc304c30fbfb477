namespace SmolCluster.Cli.Files;

/// <summary>A file that a command is asked to write.</summary>
internal static class TargetFile
{
    /// <exception cref="CommandFailure">It is there already, is the source, or the disk has no room for it.</exception>
    public static void Require(string path, bool force, params ReadOnlySpan<string> sources)
    {
        string full = Path.GetFullPath(path);
        foreach (string source in sources)
        {
            if (Path.GetFullPath(source) == full)
                throw new CommandFailure($"{path}: cannot be read and written at once; name another file to write");
        }

        if (Directory.Exists(full))
            throw new CommandFailure($"{path}: this is a folder; name the file to write");
        if (File.Exists(full) && !force)
            throw new CommandFailure($"{path}: the file is there already; --force replaces it");
        if (!Directory.Exists(Path.GetDirectoryName(full)))
            throw new CommandFailure($"{path}: there is no folder {Path.GetDirectoryName(full)}");
    }

    /// <exception cref="CommandFailure">The disk has less room.</exception>
    public static void RequireRoom(string path, long bytes)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        long free = new DriveInfo(folder).AvailableFreeSpace;
        if (free < bytes)
            throw new CommandFailure($"{path}: {Terminal.Bytes(bytes)} are needed, but the disk of {folder} has {Terminal.Bytes(free)} free");
    }
}
