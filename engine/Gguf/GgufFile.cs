using System.Diagnostics.CodeAnalysis;

namespace SmolCluster.Engine.Gguf;

/// <summary>A GGUF file (versions 2 and 3), memory-mapped read-only, its header checked to the byte before anything is returned.</summary>
public sealed class GgufFile : IDisposable
{
    /// <exception cref="GgufException">The file is missing, not GGUF, cut short or inconsistent.</exception>
    public static GgufFile Open(string path) => throw new NotImplementedException();

    public string Path => throw new NotImplementedException();

    public uint Version => throw new NotImplementedException();

    /// <summary>File size in bytes.</summary>
    public long Length => throw new NotImplementedException();

    public GgufMetadata Metadata => throw new NotImplementedException();

    /// <summary>In the file's order.</summary>
    public IReadOnlyList<GgufTensor> Tensors => throw new NotImplementedException();

    public bool TryGetTensor(string name, [NotNullWhen(true)] out GgufTensor? tensor) => throw new NotImplementedException();

    /// <summary>The tensor's bytes in the mapping; valid until this file is disposed. Longer than a span can be for large
    /// tensors, therefore a pointer; the length is <see cref="GgufTensor.ByteLength"/>.</summary>
    public unsafe byte* Data(GgufTensor tensor) => throw new NotImplementedException();

    public void Dispose() => throw new NotImplementedException();
}
