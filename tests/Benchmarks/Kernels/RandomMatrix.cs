using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Benchmarks.Kernels;

/// <summary>A matrix of random weights in memory, with quantized activations for some tokens and room for their products.</summary>
internal sealed unsafe class RandomMatrix : IDisposable
{
    private readonly NativeBuffer<byte> _weights;
    private readonly NativeBuffer<byte> _activations, _octets;
    private readonly NativeBuffer<float> _output;
    private readonly Matrix _matrix;
    private readonly int _tokens;

    public RandomMatrix(GgmlType type, int rows, int columns, int tokens)
    {
        _tokens = tokens;
        _weights = new NativeBuffer<byte>(Bytes(type, rows, columns));
        var random = new SplitMix64(1);
        Fill(new RandomBlocks(type, ref random));
        _matrix = new Matrix(type, _weights.Pointer, rows, columns, RowDot.For(type, Simd.Level));
        _activations = new NativeBuffer<byte>((long)tokens * _matrix.ActivationBytes);
        _octets = new NativeBuffer<byte>(Octets.Bytes(_matrix.Dot.Activation, columns, tokens));
        _output = new NativeBuffer<float>((long)tokens * rows);
        float[] values = [.. Enumerable.Range(0, columns).Select(static i => MathF.Sin(i))];
        for (int t = 0; t < tokens; t++)
        {
            fixed (float* token = values)
            {
                Activations.Quantize(_matrix.Dot.Activation, token, columns, _activations.Pointer + (long)t * _matrix.ActivationBytes);
            }
        }
    }

    public static long Bytes(GgmlType type, long rows, long columns)
    {
        BlockFormat.TryGet(type, out BlockFormat format);
        return rows * (columns / format.Length) * format.Bytes;
    }

    public void Multiply(ThreadTeam team) =>
        MatMul.Run(team, _tokens, new MatMul.Product(_matrix, new(_activations.Pointer, _matrix.ReadsOctets ? _octets.Pointer : null), _output.Pointer, _matrix.Rows));

    public void Dispose()
    {
        _weights.Dispose();
        _activations.Dispose();
        _octets.Dispose();
        _output.Dispose();
    }

    private void Fill(RandomBlocks blocks)
    {
        const int Piece = 1 << 24;
        GgufWriter.TensorFill fill = blocks.From(0);
        for (long at = 0; at < _weights.Length; at += Piece)
        {
            fill(new Span<byte>(_weights.Pointer + at, (int)Math.Min(Piece, _weights.Length - at)), at);
        }
    }
}
