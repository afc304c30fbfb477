using System.Buffers.Binary;
using System.Security.Cryptography;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Serving;

/// <summary>
/// Names a model by content: SHA-256 over the file's length, its whole header (metadata, vocabulary, template, tensor table)
/// and the first 4 KiB of every tensor. A sample, so that a large file still loads in a moment: it tells models and
/// quantizations apart, and is no proof against damage in the middle of a tensor.
/// </summary>
internal static class ContentHash
{
    private const int SampleBytes = 4096;
    private const int HeaderChunkBytes = 1 << 20;

    public static unsafe string Of(GgufFile file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, file.Length);
        hash.AppendData(length);
        if (file.Tensors.Count == 0)
        {
            throw new GgufException($"{file.Path}: the file has no tensors; a model is expected.");
        }

        foreach (GgufFile part in file.Parts)
        {
            for (long at = 0; at < part.HeaderLength; at += HeaderChunkBytes)
            {
                hash.AppendData(new ReadOnlySpan<byte>(part.Start + at, (int)Math.Min(HeaderChunkBytes, part.HeaderLength - at)));
            }
        }

        foreach (GgufTensor tensor in file.Tensors)
        {
            hash.AppendData(new ReadOnlySpan<byte>(file.Data(tensor), (int)Math.Min(SampleBytes, tensor.ByteLength)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
