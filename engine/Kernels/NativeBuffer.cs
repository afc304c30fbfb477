using System.Runtime.InteropServices;

namespace SmolCluster.Engine.Kernels;

/// <summary>Memory outside the garbage collector's heap, aligned to a cache line, for scratch that kernels see as pointers.
/// Not zeroed: pages that no step touches stay free.</summary>
internal sealed unsafe class NativeBuffer<T> : IDisposable
    where T : unmanaged
{
    public NativeBuffer(long length)
    {
        Length = length;
        nuint bytes = checked((nuint)(length * sizeof(T)));
        Pointer = (T*)NativeMemory.AlignedAlloc(Math.Max(bytes, 64), 64);
    }

    ~NativeBuffer() => Free();

    public T* Pointer { get; private set; }

    public long Length { get; }

    /// <summary>All of it, where a span can be so long.</summary>
    public Span<T> Span => new(Pointer, checked((int)Length));

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }
}
