using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Gguf;

/// <summary>One entry of a file's tensor table. Its bytes were checked to lie inside the mapping.</summary>
/// <param name="Name">Unique in the file, e.g. <c>blk.0.attn_q.weight</c>.</param>
/// <param name="Dimensions">One to four lengths, fastest first: a matrix is [columns, rows].</param>
/// <param name="Offset">From the first byte of the file it lies in.</param>
/// <param name="ByteLength">All rows; rows are contiguous.</param>
public sealed record GgufTensor(string Name, GgmlType Type, IReadOnlyList<long> Dimensions, long Offset, long ByteLength)
{
    /// <summary>Which file of a split model it lies in; 0: the first.</summary>
    public int Part { get; init; }

    /// <summary>Length of a row in weights.</summary>
    public long Columns => Dimensions[0];

    /// <summary>Product of all dimensions but the first.</summary>
    public long Rows => Dimensions.Skip(1).Aggregate(1L, static (a, b) => a * b);
}
