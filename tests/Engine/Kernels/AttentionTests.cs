using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Tests.Kernels;

public sealed unsafe class AttentionTests
{
    private const int HeadLength = 32, Group = 3, KvHeads = 2, Layer = 1, Positions = 200;

    [Theory]
    [InlineData(KvType.F32, 2e-6)]
    [InlineData(KvType.F16, 2e-3)]
    public void Tile_RandomCache_AgreesWithPlainSoftmax(KvType type, double tolerance)
    {
        using Case c = new(type);
        float[] output = c.Attend(0, Positions, Positions);
        for (int t = 0; t < Positions; t += 13)
        {
            for (int g = 0; g < Group; g++)
            {
                double[] expected = c.Expected(t, g);
                for (int i = 0; i < HeadLength; i++)
                {
                    Assert.Equal(expected[i], output[(t * Group + g) * HeadLength + i], tolerance);
                }
            }
        }
    }

    [Theory]
    [InlineData(KvType.F32)]
    [InlineData(KvType.F16)]
    public void Tile_AnySplit_SameBits(KvType type)
    {
        using Case c = new(type);
        float[] whole = c.Attend(0, Positions, Positions);
        Assert.Equal(whole, c.Attend(0, Positions, 1));
        Assert.Equal(whole, c.Attend(0, Positions, 7));
        Assert.Equal(whole.AsSpan(130 * Group * HeadLength).ToArray(), c.Attend(130, Positions, 64));
    }

    private sealed class Case : IDisposable
    {
        private readonly KvPagePool _pool;
        private readonly KvSequence _cache;
        private readonly float[] _keys, _values, _queries;

        public Case(KvType type)
        {
            var random = new Random(7);
            float[] Fill(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 4 - 2))];
            _pool = new KvPagePool(new KvLayout(TestShapes.Small, type), 10);
            _cache = new KvSequence(_pool);
            Assert.True(_cache.TryReserve(Positions));
            _keys = Fill(Positions * KvHeads * HeadLength);
            _values = Fill(Positions * KvHeads * HeadLength);
            _queries = Fill(Positions * Group * HeadLength);
            fixed (float* k = _keys, v = _values)
            {
                for (int p = 0; p < Positions; p++)
                {
                    KvWriter.Store(_cache, Layer, p, k + p * KvHeads * HeadLength, v + p * KvHeads * HeadLength);
                }
            }
        }

        // the second kv head, positions first to last, tile by tile
        public float[] Attend(int first, int end, int tile)
        {
            int stride = Group * HeadLength;
            float[] output = new float[(end - first) * stride];
            using var scratch = new NativeBuffer<float>(Attention.ScratchLength(HeadLength, tile, Group));
            fixed (float* q = _queries, o = output)
            {
                for (int at = first; at < end; at += tile)
                {
                    Attention.Tile(_cache, Layer, 1, Group, at, Math.Min(tile, end - at), q + at * stride,
                        o + (at - first) * stride, stride, scratch.Pointer);
                }
            }

            return output;
        }

        public double[] Expected(int t, int g)
        {
            double[] scores = new double[t + 1], result = new double[HeadLength];
            for (int p = 0; p <= t; p++)
            {
                for (int i = 0; i < HeadLength; i++)
                {
                    scores[p] += (double)_queries[(t * Group + g) * HeadLength + i] * _keys[(p * KvHeads + 1) * HeadLength + i];
                }

                scores[p] /= Math.Sqrt(HeadLength);
            }

            double max = scores.Max(), sum = scores.Sum(s => Math.Exp(s - max));
            for (int p = 0; p <= t; p++)
            {
                for (int i = 0; i < HeadLength; i++)
                {
                    result[i] += Math.Exp(scores[p] - max) / sum * _values[(p * KvHeads + 1) * HeadLength + i];
                }
            }

            return result;
        }

        public void Dispose()
        {
            _cache.Dispose();
            _pool.Dispose();
        }
    }
}
