using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>Sixteen rows of floats, as they lie, times a batch: 256 columns are unpacked once and multiplied with every token, four rows
/// and four tokens at a time, whose sixteen lanes each fill sixteen registers; without AVX-512 two rows and three tokens in twelve. The lanes
/// are those of <see cref="FloatRows{T}"/>, column i in lane i mod 16, kept in memory from tile to tile, those of a token together: the same
/// bits.</summary>
internal static unsafe class FloatGroup<T>
    where T : struct, IFloatFormat
{
    private const int Rows = GroupLayout.Rows;
    private const int Lanes = 16;

    /// <summary>From a token's lanes to the next's.</summary>
    private const int Token = Rows * Lanes;

    /// <summary>Columns unpacked at a time.</summary>
    private const int Tile = 256;

    /// <summary>Tokens whose lanes live on the stack.</summary>
    private const int Batch = 64;

    /// <summary>Tokens that the registers take at once, and rows; what is left of the tokens is taken one by one.</summary>
    private static int Several => Avx512F.IsSupported ? 4 : 3;

    private static int RowsAtOnce => Avx512F.IsSupported ? 4 : 2;

    /// <summary>See <see cref="RowDot.RunGroup"/>; columns are a multiple of 16, rows lie rowBytes apart.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(byte* rows, nint rowBytes, byte* activations, int columns, int tokens, float* destination, nint stride)
    {
        float* storage = stackalloc float[Rows * Tile + Batch * Token + Lanes];
        float* tile = (float*)(((nuint)storage + 63) & ~(nuint)63), lanes = tile + Rows * Tile; // [16 rows][256], [64 tokens][16 rows][16]
        float** unpacked = stackalloc float*[Rows];
        for (int first = 0; first < tokens; first += Batch)
        {
            int count = Math.Min(Batch, tokens - first);
            float* batch = (float*)activations + first * (nint)columns;
            new Span<float>(lanes, count * Token).Clear();
            for (int column = 0; column < columns; column += Tile)
            {
                int width = Math.Min(Tile, columns - column);
                for (int row = 0; row < Rows; row++)
                {
                    unpacked[row] = T.Unpack(rows + row * rowBytes + column * (nint)T.Bytes, width, tile + row * Tile);
                }

                // a few tokens pass over all rows, and both stay in the first-level cache; meanwhile the memory is asked for the next tile
                nint next = column + Tile < columns ? (column + Tile) * (nint)T.Bytes : Rows * rowBytes;
                for (int t = 0, some, asked = 0; t < count; t += some)
                {
                    some = count - t >= Several ? Several : 1;
                    for (; asked < Rows * (t + some) / count; asked++)
                    {
                        GroupLayout.Prefetch(rows + asked * rowBytes + next, Tile * T.Bytes);
                    }

                    float* token = batch + t * (nint)columns + column, sums = lanes + t * Token;
                    float* ahead = t + some < count ? token + some * (nint)columns : batch + column + Tile;
                    for (int row = 0; row < Rows; row += RowsAtOnce, sums += RowsAtOnce * Lanes, ahead += columns)
                    {
                        if (Avx512F.IsSupported && some > 1)
                        {
                            FourTimesFour(unpacked + row, token, ahead, columns, width, sums);
                        }
                        else if (Avx512F.IsSupported)
                        {
                            FourTimesOne(unpacked + row, token, width, sums);
                        }
                        else if (some > 1)
                        {
                            TwoTimesThree(unpacked[row], unpacked[row + 1], token, columns, width, sums);
                        }
                        else
                        {
                            TwoTimesOne(unpacked[row], unpacked[row + 1], token, width, sums);
                        }
                    }
                }
            }

            for (int t = 0; t < count; t++)
            {
                float* sums = lanes + t * Token, to = destination + (first + t) * stride;
                FoldEight(sums).Store(to);
                FoldEight(sums + 8 * Lanes).Store(to + 8);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourTimesFour(float** rows, float* a, float* ahead, nint columns, nint width, float* lanes)
    {
        float* w = rows[0], v = rows[1], u = rows[2], s = rows[3], b = a + columns, c = b + columns, d = c + columns;
        Quad ofA = new(lanes), ofB = new(lanes + Token), ofC = new(lanes + 2 * Token), ofD = new(lanes + 3 * Token);
        for (nint i = 0; i < width; i += Lanes)
        {
            Vector512<float> x = Vector512.Load(w + i), y = Vector512.Load(v + i), z = Vector512.Load(u + i), t = Vector512.Load(s + i);
            Sse.Prefetch0(ahead + i);
            ofA.Add(x, y, z, t, Vector512.Load(a + i));
            ofB.Add(x, y, z, t, Vector512.Load(b + i));
            ofC.Add(x, y, z, t, Vector512.Load(c + i));
            ofD.Add(x, y, z, t, Vector512.Load(d + i));
        }

        ofA.Store(lanes);
        ofB.Store(lanes + Token);
        ofC.Store(lanes + 2 * Token);
        ofD.Store(lanes + 3 * Token);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourTimesOne(float** rows, float* token, nint width, float* lanes)
    {
        float* w = rows[0], v = rows[1], u = rows[2], s = rows[3];
        Quad sums = new(lanes);
        for (nint i = 0; i < width; i += Lanes)
        {
            sums.Add(Vector512.Load(w + i), Vector512.Load(v + i), Vector512.Load(u + i), Vector512.Load(s + i), Vector512.Load(token + i));
        }

        sums.Store(lanes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoTimesThree(float* w, float* v, float* a, nint columns, nint width, float* lanes)
    {
        float* b = a + columns, c = b + columns, ofB = lanes + Token, ofC = ofB + Token;
        Vector256<float> wa0 = Vector256.Load(lanes), wa1 = Vector256.Load(lanes + 8), va0 = Vector256.Load(lanes + 16), va1 = Vector256.Load(lanes + 24);
        Vector256<float> wb0 = Vector256.Load(ofB), wb1 = Vector256.Load(ofB + 8), vb0 = Vector256.Load(ofB + 16), vb1 = Vector256.Load(ofB + 24);
        Vector256<float> wc0 = Vector256.Load(ofC), wc1 = Vector256.Load(ofC + 8), vc0 = Vector256.Load(ofC + 16), vc1 = Vector256.Load(ofC + 24);
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
        Store(va0, va1, lanes + 16);
        Store(wb0, wb1, ofB);
        Store(vb0, vb1, ofB + 16);
        Store(wc0, wc1, ofC);
        Store(vc0, vc1, ofC + 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TwoTimesOne(float* w, float* v, float* a, nint width, float* lanes)
    {
        Vector256<float> w0 = Vector256.Load(lanes), w1 = Vector256.Load(lanes + 8), v0 = Vector256.Load(lanes + 16), v1 = Vector256.Load(lanes + 24);
        for (nint i = 0; i < width; i += Lanes)
        {
            Vector256<float> x = Vector256.Load(a + i), y = Vector256.Load(a + i + 8);
            w0 = Fma.MultiplyAdd(Vector256.Load(w + i), x, w0);
            w1 = Fma.MultiplyAdd(Vector256.Load(w + i + 8), y, w1);
            v0 = Fma.MultiplyAdd(Vector256.Load(v + i), x, v0);
            v1 = Fma.MultiplyAdd(Vector256.Load(v + i + 8), y, v1);
        }

        Store(w0, w1, lanes);
        Store(v0, v1, lanes + 16);
    }

    /// <summary><see cref="Kernels.Lanes.Fold"/> of eight rows' lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> FoldEight(float* lanes)
    {
        Vector256<float> low = Pairs(Fours(lanes, lanes + 4 * Lanes), Fours(lanes + Lanes, lanes + 5 * Lanes));
        Vector256<float> high = Pairs(Fours(lanes + 2 * Lanes, lanes + 6 * Lanes), Fours(lanes + 3 * Lanes, lanes + 7 * Lanes));
        return Avx.HorizontalAdd(low, high);
    }

    // four sums of a row's lanes and four of another's
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Fours(float* first, float* second)
    {
        Vector256<float> a = Vector256.Load(first) + Vector256.Load(first + 8), b = Vector256.Load(second) + Vector256.Load(second + 8);
        return Avx.Permute2x128(a, b, 0x20) + Avx.Permute2x128(a, b, 0x31);
    }

    // of each four, the sums of those two apart
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Pairs(Vector256<float> a, Vector256<float> b) =>
        Avx.Shuffle(a, b, 0b01_00_01_00) + Avx.Shuffle(a, b, 0b11_10_11_10);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> low, Vector256<float> high, float* lanes)
    {
        low.Store(lanes);
        high.Store(lanes + 8);
    }

    // a token's lanes of four rows
    private struct Quad(float* lanes)
    {
        private Vector512<float> a = Vector512.Load(lanes), b = Vector512.Load(lanes + Lanes);
        private Vector512<float> c = Vector512.Load(lanes + 2 * Lanes), d = Vector512.Load(lanes + 3 * Lanes);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(Vector512<float> w, Vector512<float> v, Vector512<float> u, Vector512<float> s, Vector512<float> token)
        {
            a = Vector512.FusedMultiplyAdd(w, token, a);
            b = Vector512.FusedMultiplyAdd(v, token, b);
            c = Vector512.FusedMultiplyAdd(u, token, c);
            d = Vector512.FusedMultiplyAdd(s, token, d);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Store(float* lanes)
        {
            a.Store(lanes);
            b.Store(lanes + Lanes);
            c.Store(lanes + 2 * Lanes);
            d.Store(lanes + 3 * Lanes);
        }
    }
}
