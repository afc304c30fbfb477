using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Conversion;

/// <summary>A tensor of a checkpoint that is no GGUF file.</summary>
/// <param name="Name">As the checkpoint has it, e.g. model.embed_tokens.weight.</param>
/// <param name="Type">F32, F16 or BF16.</param>
/// <param name="Shape">Slowest dimension first; all at least 1.</param>
/// <param name="Read">Fills a span with the bytes from an offset on; asked front to back.</param>
internal sealed record SourceTensor(string Name, GgmlType Type, IReadOnlyList<long> Shape, SourceTensor.Reader Read)
{
    /// <summary>Bytes from <paramref name="offset"/> on, counted from the tensor's first.</summary>
    public delegate void Reader(Span<byte> destination, long offset);

    /// <summary>The file and the offset where its bytes lie as they are; null: they are nowhere so.</summary>
    public (string File, long Offset)? Place { get; init; }

    public static int BytesEach(GgmlType type) => type == GgmlType.F32 ? 4 : 2;

    /// <summary>Elements, checked: shapes come from files.</summary>
    /// <exception cref="OverflowException">More than 63 bits count.</exception>
    public static long Count(IEnumerable<long> shape) => shape.Aggregate(1L, static (a, b) => checked(a * b));
}

/// <summary>A checkpoint cannot be used. The message names the file, what was found and what was expected.</summary>
public sealed class CheckpointException(string message) : Exception(message);
