using System.Buffers.Binary;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Models;

/// <summary>How to compute logits for diagnosis: none of it but <see cref="KvType"/> and <see cref="Arithmetic"/> can change a bit.</summary>
/// <param name="Batch">Tokens a forward step.</param>
/// <param name="Threads">Threads of a step.</param>
public sealed record LogitsOptions(KvType KvType, Arithmetic Arithmetic, int Batch, int Threads)
{
    /// <summary>The file's; null: none.</summary>
    public RowTwin? Twin { get; init; }

    /// <summary>At work beside the file's weights; null: none.</summary>
    public Adapter? Adapter { get; init; }
}

/// <summary>The logits after every token of one sequence, as the file format of the test goldens: "LGT1", rows, vocabulary, 0
/// (uint32 each), then float32 [rows][vocabulary].</summary>
public static class LogitsRun
{
    /// <exception cref="GgufException">The file cannot be used.</exception>
    /// <exception cref="ArgumentException">No ids, ids outside the vocabulary, or more than the context holds.</exception>
    public static float[][] Compute(GgufFile file, ReadOnlyMemory<int> ids, LogitsOptions options)
    {
        ModelConfig config = ModelConfig.From(file);
        foreach (int id in ids.Span)
        {
            if ((uint)id >= (uint)config.VocabularyLength)
            {
                throw new ArgumentException($"Token id {id} is outside the vocabulary of {config.VocabularyLength}.", nameof(ids));
            }
        }

        if (ids.IsEmpty || ids.Length > config.ContextLength)
        {
            throw new ArgumentException($"{ids.Length} token ids were given; 1 to {config.ContextLength}, the model's context, are expected.", nameof(ids));
        }

        using var team = new ThreadTeam(options.Threads);
        using var transformer = new Transformer(file, config, team, options.Batch, options.Arithmetic, options.Twin);
        using var pool = new KvPagePool(new KvLayout(config, options.KvType), KvLayout.Pages(ids.Length));
        using var sequence = new KvSequence(pool);
        sequence.TryReserve(ids.Length);
        float[] step = new float[checked(options.Batch * config.VocabularyLength)];
        float[][] rows = new float[ids.Length][];
        for (int at = 0; at < ids.Length; at += options.Batch)
        {
            int count = Math.Min(options.Batch, ids.Length - at);
            transformer.Forward([new BatchSlice(sequence, ids.Slice(at, count), LogitRows.All, Adapter: options.Adapter)], step);
            for (int i = 0; i < count; i++)
            {
                rows[at + i] = step.AsSpan(i * config.VocabularyLength, config.VocabularyLength).ToArray();
            }
        }

        return rows;
    }

    public static void Write(Stream destination, IReadOnlyList<float[]> rows)
    {
        Span<byte> header = stackalloc byte[16];
        "LGT1"u8.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[4..], rows.Count);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], rows[0].Length);
        header[12..].Clear();
        destination.Write(header);
        byte[] bytes = new byte[rows[0].Length * sizeof(float)];
        foreach (float[] row in rows)
        {
            for (int i = 0; i < row.Length; i++)
            {
                BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(i * sizeof(float)), row[i]);
            }

            destination.Write(bytes);
        }
    }
}
