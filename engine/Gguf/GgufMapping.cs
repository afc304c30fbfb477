using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Gguf;

/// <summary>A file's bytes, mapped read-only, or bytes that could be a file's. Mapped and not read, so that weights are shared by all processes of a machine
/// and come from the page cache. Each reader holds the view's handle while it reads, so that disposal cannot unmap under it.</summary>
internal sealed unsafe partial class GgufMapping : IDisposable
{
    private readonly MemoryMappedFile mapping;
    private readonly MemoryMappedViewAccessor view;
    private readonly bool isFile = true;

    public GgufMapping(string path)
    {
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        try
        {
            Path = path;
            Length = stream.Length;
            if (Length == 0)
                throw new GgufException($"{path}: the file is empty; expected a GGUF file. Download it again.");
            mapping = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None,
                leaveOpen: false);
        }
        catch
        {
            stream.Dispose();
            throw;
        }

        try
        {
            view = mapping.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        }
        catch
        {
            mapping.Dispose();
            throw;
        }
    }

    /// <param name="path">What messages name.</param>
    /// <param name="bytes">Copied.</param>
    public GgufMapping(string path, byte[] bytes)
    {
        (Path, Length, isFile) = (path, bytes.Length, false);
        mapping = MemoryMappedFile.CreateNew(null, bytes.Length);
        view = mapping.CreateViewAccessor(0, bytes.Length);
        view.WriteArray(0, bytes, 0, bytes.Length);
    }

    public string Path { get; }

    public long Length { get; }

    /// <summary>The first byte; pair with <see cref="Release"/>.</summary>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public byte* Acquire()
    {
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        return start + view.PointerOffset;
    }

    public void Release() => view.SafeMemoryMappedViewHandle.ReleasePointer();

    /// <summary>Takes the pages read so far out of this process's resident memory, on Linux; they stay in the page cache and come back
    /// when they are read again. Best effort.</summary>
    public void LeaveToPageCache()
    {
        const int DontNeed = 4; // MADV_DONTNEED
        if (isFile && OperatingSystem.IsLinux())
        {
            _ = Advise(Acquire(), (nuint)Length, DontNeed);
            Release();
        }
    }

    public void Dispose()
    {
        view.Dispose();
        mapping.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(byte* start, nuint length, int advice);
}
