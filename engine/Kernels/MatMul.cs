using System.Runtime.CompilerServices;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// The only loop that splits matrix rows over threads. Each output is one row's dot product with one token's activations,
/// computed whole by one thread in the row kernel's canonical order: neither the split nor the batch can change it.
/// Rows are taken in small chunks so that a core that another process slows down takes fewer.
/// </summary>
internal static unsafe class MatMul
{
    private const int RowsAChunk = 2 * RowDot.GroupRows;

    /// <summary>Tokens whose activations stay in the cache while a chunk of rows passes over them.</summary>
    private const int TokensATile = 128;

    /// <summary>Tokens from which laying rows side by side pays where no twin has them so.</summary>
    private const int TokensForAGroup = 3;

    /// <summary>One product: output [tokens][stride] = matrix [rows][columns] · activations [tokens], quantized in the matrix's format.</summary>
    public readonly struct Product(Matrix matrix, ActivationBuffers activations, float* output, int stride)
    {
        public readonly Matrix Matrix = matrix;
        public readonly ActivationBuffers Activations = activations;
        public readonly float* Output = output;
        public readonly int Stride = stride;

        public int Chunks => MatMul.Chunks(Matrix);
    }

    /// <summary>Up to three products over the same tokens, in one parallel region, and one before it that lays several tokens side by
    /// side.</summary>
    public static void Run(ThreadTeam team, int tokens, Product a, Product b = default, Product c = default)
    {
        if (tokens > 1)
        {
            LayOctets(team, tokens, a, default);
            LayOctets(team, tokens, b, a);
            LayOctets(team, tokens, c, b);
        }

        int chunksA = a.Chunks, chunksB = b.Matrix is null ? 0 : b.Chunks, chunksC = c.Matrix is null ? 0 : c.Chunks;
        team.For(chunksA + chunksB + chunksC, (piece, _) =>
        {
            if (piece < chunksA)
            {
                Chunk(a, piece, tokens);
            }
            else if (piece < chunksA + chunksB)
            {
                Chunk(b, piece - chunksA, tokens);
            }
            else
            {
                Chunk(c, piece - chunksA - chunksB, tokens);
            }
        });
    }

    /// <summary>Says which matrices, side by side as in <see cref="Run"/>, come after the product that comes next. For one token, which the
    /// memory bounds: threads ask for their first rows as soon as they have nothing else to do.</summary>
    public static void Expect(ThreadTeam team, int tokens, Matrix? a, Matrix? b = null, Matrix? c = null)
    {
        if (tokens > 1 || a is not { ReadsTwo: true })
        {
            return;
        }

        int chunks = Chunks(a) + (b is null ? 0 : Chunks(b)) + (c is null ? 0 : Chunks(c));
        for (int worker = 0, chunk = 0, run; worker < team.Size && chunk < Chunks(a); worker++, chunk += run)
        {
            run = team.Run(chunks - chunk);
            (int first, int second) = RowsOfTwo(a, chunk);
            team.Expect(worker, a.Source + first * a.RowBytes, a.Source + second * a.RowBytes, run * RowDot.GroupRows * a.RowBytes);
        }
    }

    private static int Chunks(Matrix matrix) => (matrix.Rows + RowsAChunk - 1) / RowsAChunk;

    // unless that was done for the product before
    private static void LayOctets(ThreadTeam team, int tokens, Product product, Product before)
    {
        if (product.Activations.Octets != null && product.Activations.Octets != before.Activations.Octets)
        {
            team.For(Octets.Count(tokens), (octet, _) => Octets.Lay(product.Matrix.Dot.Activation, octet, tokens, product.Activations.Rows,
                product.Matrix.Columns, product.Activations.Octets));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Chunk(in Product product, int chunk, int tokens)
    {
        Matrix matrix = product.Matrix;
        if (tokens == 1 && matrix.ReadsTwo && chunk < matrix.Rows / RowsAChunk)
        {
            ChunkOfTwo(product, chunk);
            return;
        }

        int first = chunk * RowsAChunk, last = Math.Min(matrix.Rows, first + RowsAChunk);
        TokenRows all = new(product.Activations.Rows, product.Activations.Octets, (nint)Octets.Count(tokens) * Octets.RecordBytes(matrix.Dot.Activation));
        for (int token = 0; token < tokens; token += TokensATile)
        {
            int count = Math.Min(TokensATile, tokens - token);
            TokenRows activations = all.From(token, matrix.ActivationBytes, matrix.Dot.Activation);
            float* output = product.Output + (long)token * product.Stride;
            int row = first;
            for (; (matrix.Groups != null || (count >= TokensForAGroup && matrix.CanGroup)) && row + RowDot.GroupRows <= last; row += RowDot.GroupRows)
            {
                byte* rows = matrix.Source + row * matrix.RowBytes;
                nint apart = matrix.Groups != null ? 0 : (nint)matrix.RowBytes;
                matrix.Dot.RunGroup(rows, apart, activations, matrix.Columns, count, output + row, product.Stride);
            }

            for (; row < last; row++)
            {
                matrix.Dot.Run(matrix.Data + row * matrix.RowBytes, activations.Rows, matrix.Columns, count, output + row, product.Stride);
            }
        }
    }

    // one token
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ChunkOfTwo(in Product product, int chunk)
    {
        Matrix matrix = product.Matrix;
        (int first, int second) = RowsOfTwo(matrix, chunk);
        int step = matrix.Groups != null ? RowDot.GroupRows : 1;
        for (int row = 0; row < RowDot.GroupRows; row += step)
        {
            matrix.Dot.RunTwo(matrix.Source + (first + row) * matrix.RowBytes, matrix.Source + (second + row) * matrix.RowBytes, product.Activations.Rows, matrix.Columns,
                product.Output + first + row, product.Output + second + row);
        }
    }

    // sixteen rows of each half of the matrix, so that chunks that follow each other go on in both
    private static (int First, int Second) RowsOfTwo(Matrix matrix, int chunk) =>
        (chunk * RowDot.GroupRows, (matrix.Rows / RowsAChunk + chunk) * RowDot.GroupRows);
}
