using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Sixteen rows of floats, as they lie, times a batch: 256 columns are unpacked once and multiplied with every token, two rows
/// and three tokens at a time, whose sixteen lanes each fill twelve registers. The lanes are those of <see cref="FloatRows{T}"/>,
/// column i in lane i mod 16, kept in memory from tile to tile: the same bits.</summary>
internal static unsafe class FloatGroup<T>
    where T : struct, IFloatFormat
{
    private const int Rows = GroupLayout.Rows;
    private const int Lanes = 16;

    /// <summary>Columns unpacked at a time.</summary>
    private const int Tile = 256;

    /// <summary>Tokens whose lanes live on the stack.</summary>
    private const int Batch = 64;

    /// <summary>See <see cref="RowDot.RunGroup"/>; columns are a multiple of 16, rows lie rowBytes apart.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(byte* rows, nint rowBytes, byte* activations, int columns, int tokens, float* destination, nint stride)
    {
        float* storage = stackalloc float[Rows * Tile + Rows * Batch * Lanes + Lanes];
        float* tile = (float*)(((nuint)storage + 63) & ~(nuint)63), lanes = tile + Rows * Tile; // [16 rows][256], [16 rows][64][16]
        float** unpacked = stackalloc float*[Rows];
        for (int first = 0; first < tokens; first += Batch)
        {
            int count = Math.Min(Batch, tokens - first);
            float* batch = (float*)activations + first * (nint)columns;
            new Span<float>(lanes, Rows * Batch * Lanes).Clear();
            for (int column = 0; column < columns; column += Tile)
            {
                int width = Math.Min(Tile, columns - column);
                for (int row = 0; row < Rows; row++)
                {
                    unpacked[row] = T.Unpack(rows + row * rowBytes + column * (nint)T.Bytes, width, tile + row * Tile);
                }

                // a few tokens pass over all rows: both stay in the first-level cache
                for (int t = 0; t < count;)
                {
                    int some = count - t >= 3 ? 3 : 1;
                    for (int row = 0; row < Rows; row += 2)
                    {
                        float* sums = lanes + (row * Batch + t) * Lanes, token = batch + t * (nint)columns + column;
                        if (some == 3)
                        {
                            TwoTimesThree(unpacked[row], unpacked[row + 1], token, columns, width, sums);
                        }
                        else
                        {
                            TwoTimesOne(unpacked[row], unpacked[row + 1], token, width, sums);
                        }
                    }

                    t += some;
                }
            }

            for (int row = 0; row < Rows; row++)
            {
                for (int t = 0; t < count; t++)
                {
                    destination[(first + t) * stride + row] = Kernels.Lanes.Fold(Vector512.Load(lanes + (row * Batch + t) * Lanes));
                }
            }
        }
    }

    // lanes of the first row's tokens, and of the second's a batch further
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoTimesThree(float* w, float* v, float* a, nint columns, nint width, float* lanes)
    {
        float* b = a + columns, c = b + columns, more = lanes + Batch * Lanes;
        if (Avx512F.IsSupported)
        {
            Vector512<float> wa = Vector512.Load(lanes), wb = Vector512.Load(lanes + 16), wc = Vector512.Load(lanes + 32);
            Vector512<float> va = Vector512.Load(more), vb = Vector512.Load(more + 16), vc = Vector512.Load(more + 32);
            for (nint i = 0; i < width; i += Lanes)
            {
                Vector512<float> x = Vector512.Load(w + i), y = Vector512.Load(v + i), z = Vector512.Load(a + i);
                wa = Vector512.FusedMultiplyAdd(x, z, wa);
                va = Vector512.FusedMultiplyAdd(y, z, va);
                z = Vector512.Load(b + i);
                wb = Vector512.FusedMultiplyAdd(x, z, wb);
                vb = Vector512.FusedMultiplyAdd(y, z, vb);
                z = Vector512.Load(c + i);
                wc = Vector512.FusedMultiplyAdd(x, z, wc);
                vc = Vector512.FusedMultiplyAdd(y, z, vc);
            }

            wa.Store(lanes);
            wb.Store(lanes + 16);
            wc.Store(lanes + 32);
            va.Store(more);
            vb.Store(more + 16);
            vc.Store(more + 32);
            return;
        }

        Vector256<float> wa0 = Vector256.Load(lanes), wa1 = Vector256.Load(lanes + 8), wb0 = Vector256.Load(lanes + 16), wb1 = Vector256.Load(lanes + 24);
        Vector256<float> wc0 = Vector256.Load(lanes + 32), wc1 = Vector256.Load(lanes + 40);
        Vector256<float> va0 = Vector256.Load(more), va1 = Vector256.Load(more + 8), vb0 = Vector256.Load(more + 16), vb1 = Vector256.Load(more + 24);
        Vector256<float> vc0 = Vector256.Load(more + 32), vc1 = Vector256.Load(more + 40);
        for (nint i = 0; i < width; i += Lanes)
        {
            Vector256<float> x = Vector256.Load(w + i), y = Vector256.Load(v + i), z = Vector256.Load(a + i);
            wa0 = Fma.MultiplyAdd(x, z, wa0);
            va0 = Fma.MultiplyAdd(y, z, va0);
            z = Vector256.Load(b + i);
            wb0 = Fma.MultiplyAdd(x, z, wb0);
            vb0 = Fma.MultiplyAdd(y, z, vb0);
            z = Vector256.Load(c + i);
            wc0 = Fma.MultiplyAdd(x, z, wc0);
            vc0 = Fma.MultiplyAdd(y, z, vc0);
            x = Vector256.Load(w + i + 8);
            y = Vector256.Load(v + i + 8);
            z = Vector256.Load(a + i + 8);
            wa1 = Fma.MultiplyAdd(x, z, wa1);
            va1 = Fma.MultiplyAdd(y, z, va1);
            z = Vector256.Load(b + i + 8);
            wb1 = Fma.MultiplyAdd(x, z, wb1);
            vb1 = Fma.MultiplyAdd(y, z, vb1);
            z = Vector256.Load(c + i + 8);
            wc1 = Fma.MultiplyAdd(x, z, wc1);
            vc1 = Fma.MultiplyAdd(y, z, vc1);
        }

        Store(wa0, wa1, lanes);
        Store(wb0, wb1, lanes + 16);
        Store(wc0, wc1, lanes + 32);
        Store(va0, va1, more);
        Store(vb0, vb1, more + 16);
        Store(vc0, vc1, more + 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoTimesOne(float* w, float* v, float* a, nint width, float* lanes)
    {
        float* more = lanes + Batch * Lanes;
        Vector256<float> w0 = Vector256.Load(lanes), w1 = Vector256.Load(lanes + 8), v0 = Vector256.Load(more), v1 = Vector256.Load(more + 8);
        for (nint i = 0; i < width; i += Lanes)
        {
            Vector256<float> x = Vector256.Load(a + i), y = Vector256.Load(a + i + 8);
            w0 = Fma.MultiplyAdd(Vector256.Load(w + i), x, w0);
            w1 = Fma.MultiplyAdd(Vector256.Load(w + i + 8), y, w1);
            v0 = Fma.MultiplyAdd(Vector256.Load(v + i), x, v0);
            v1 = Fma.MultiplyAdd(Vector256.Load(v + i + 8), y, v1);
        }

        Store(w0, w1, lanes);
        Store(v0, v1, more);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> low, Vector256<float> high, float* lanes)
    {
        low.Store(lanes);
        high.Store(lanes + 8);
    }
}
