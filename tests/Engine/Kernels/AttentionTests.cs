using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Tests.Kernels;

public sealed unsafe class AttentionTests
{
    private const int HeadLength = 32, KvHeads = 2, Layer = 1, Positions = 200;

    public static TheoryData<KvType, int> TypesAndGroups => new MatrixTheoryData<KvType, int>(Enum.GetValues<KvType>(), [1, 3, 4, 6]);

    [Theory]
    [MemberData(nameof(TypesAndGroups))]
    public void Tile_RandomCache_AgreesWithPlainSoftmaxOfWhatIsKept(KvType type, int group)
    {
        using Case c = new(type, group);
        float[] output = c.Attend(0, Positions, 16);
        for (int t = 0; t < Positions; t += 13)
        {
            for (int g = 0; g < group; g++)
            {
                double[] expected = c.Expected(t, g);
                for (int i = 0; i < HeadLength; i++)
                {
                    Assert.Equal(expected[i], output[(t * group + g) * HeadLength + i], 2e-6);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(TypesAndGroups))]
    public void Tile_AnySplit_SameBits(KvType type, int group)
    {
        using Case c = new(type, group);
        float[] whole = c.Attend(0, Positions, Positions);
        Assert.Equal(whole, c.Attend(0, Positions, 1));
        Assert.Equal(whole, c.Attend(0, Positions, 7));
        Assert.Equal(whole, c.Attend(0, Positions, 16));
        Assert.Equal(whole.AsSpan(130 * group * HeadLength).ToArray(), c.Attend(130, Positions, 64));
    }

    public static TheoryData<int, int> WindowsAndGroups => new MatrixTheoryData<int, int>([1, 2, 5, 24, 63, 64, 65, 70, 128, 199, 200], [1, 3, 4]);

    [Theory]
    [MemberData(nameof(WindowsAndGroups))]
    public void Tile_WindowAndCap_AgreesWithPlainSoftmaxInAnySplit(int window, int group)
    {
        foreach (KvType type in Enum.GetValues<KvType>())
        {
            using Case c = new(type, group) { Form = AttentionForm.Plain(HeadLength) with { Window = window, Cap = 1.5f } };
            float[] whole = c.Attend(0, Positions, 16);
            foreach (int split in new[] { 1, 7, Positions })
                Assert.Equal(whole, c.Attend(0, Positions, split));
            for (int t = 0; t < Positions; t += 9)
            {
                double[] expected = c.Expected(t, group - 1);
                for (int i = 0; i < HeadLength; i++)
                    Assert.Equal(expected[i], whole[(t * group + group - 1) * HeadLength + i], 3e-6);
            }
        }
    }

    [Theory]
    [InlineData(KvType.F16)]
    [InlineData(KvType.F32)]
    [InlineData(KvType.Q8_0)]
    public void Tile_NoNumberBeforeTheWindow_ReachesNobody(KvType type)
    {
        const int at = 90, window = 37;
        foreach (bool key in new[] { true, false })
        {
            AttentionForm form = AttentionForm.Plain(HeadLength) with { Window = window, Cap = 50 };
            using Case whole = new(type, 3) { Form = form }, damaged = new(type, 3) { Form = form };
            damaged.Damage(at, key);
            float[] expected = whole.Attend(0, Positions, 16), output = damaged.Attend(0, Positions, 16);
            int row = 3 * HeadLength;
            Assert.Equal(expected[..(at * row)], output[..(at * row)]);
            Assert.Equal(expected[((at + window) * row)..], output[((at + window) * row)..]);
            Assert.All(Enumerable.Range(at, window), t => Assert.Contains(float.NaN, output[(t * row)..((t + 1) * row)]));
        }
    }

    [Theory]
    [MemberData(nameof(TypesAndGroups))]
    public void Tile_NoNumberStored_ShowsInEveryTokenThatSeesItAndInNoOther(KvType type, int group)
    {
        const int at = 90;
        using Case whole = new(type, group);
        foreach (bool key in new[] { true, false })
        {
            using Case damaged = new(type, group);
            damaged.Damage(at, key);
            float[] expected = whole.Attend(0, Positions, 16), output = damaged.Attend(0, Positions, 16);
            int before = at * group * HeadLength;
            Assert.Equal(expected[..before], output[..before]);
            Assert.All(Enumerable.Range(at * group, (Positions - at) * group),
                row => Assert.Contains(float.NaN, output[(row * HeadLength)..((row + 1) * HeadLength)]));
            Assert.Equal(output, damaged.Attend(0, Positions, 1));
        }
    }

    private sealed class Case : IDisposable
    {
        private readonly int _group;
        private readonly KvType _type;
        private readonly KvPagePool _pool;
        private readonly KvSequence _cache;
        private readonly float[] _keys, _values, _queries;

        public Case(KvType type, int group)
        {
            var random = new Random(7);
            float[] Fill(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 4 - 2))];
            (_type, _group) = (type, group);
            _pool = new KvPagePool(new KvLayout(TestShapes.Small, type), 10);
            _cache = new KvSequence(_pool);
            Assert.True(_cache.TryReserve(Positions));
            _keys = Fill(Positions * KvHeads * HeadLength);
            _values = Fill(Positions * KvHeads * HeadLength);
            _queries = Fill(Positions * group * HeadLength);
            for (int p = 0; p < Positions; p++)
            {
                Store(p);
            }
        }

        public AttentionForm Form { get; init; } = AttentionForm.Plain(HeadLength);

        /// <summary>One number of the second head at one position is none.</summary>
        public void Damage(int position, bool key)
        {
            (key ? _keys : _values)[(position * KvHeads + 1) * HeadLength + 5] = float.NaN;
            Store(position);
        }

        // the second kv head, positions first to last, tile by tile
        public float[] Attend(int first, int end, int tile)
        {
            int stride = _group * HeadLength;
            float[] output = new float[(end - first) * stride];
            using var scratch = new NativeBuffer<float>(Attention.ScratchLength(HeadLength, tile, _group));
            fixed (float* q = _queries, o = output)
            {
                for (int at = first; at < end; at += tile)
                {
                    Attention.Tile(_cache, Form, Layer, 1, _group, at, Math.Min(tile, end - at), q + at * stride,
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
                float[] key = Kept(_keys, p);
                for (int i = 0; i < HeadLength; i++)
                {
                    scores[p] += (double)_queries[(t * _group + g) * HeadLength + i] * key[i];
                }

                scores[p] /= Math.Sqrt(HeadLength);
                if (Form.Cap != 0)
                {
                    scores[p] = Form.Cap * Math.Tanh(scores[p] / Form.Cap);
                }

                if (t - p >= Form.Window)
                {
                    scores[p] = double.NegativeInfinity;
                }
            }

            double max = scores.Max(), sum = scores.Sum(s => Math.Exp(s - max));
            for (int p = 0; p <= t; p++)
            {
                float[] value = Kept(_values, p);
                for (int i = 0; i < HeadLength; i++)
                {
                    result[i] += Math.Exp(scores[p] - max) / sum * value[i];
                }
            }

            return result;
        }

        // what a reader of the cache is to find, by .NET's own conversions
        private float[] Kept(float[] numbers, int position)
        {
            float[] head = numbers[((position * KvHeads + 1) * HeadLength)..((position * KvHeads + 2) * HeadLength)];
            float scale = (float)(Half)(head.Max(MathF.Abs) / 127);
            return _type switch
            {
                KvType.F16 => [.. head.Select(static x => (float)(Half)x)],
                KvType.F32 => head,
                _ => [.. head.Select(x => scale * Math.Clamp(MathF.Round(x / scale), -127, 127))],
            };
        }

        private void Store(int position)
        {
            fixed (float* k = _keys, v = _values)
            {
                KvWriter.Store(_cache, Layer, position, k + position * KvHeads * HeadLength, v + position * KvHeads * HeadLength);
            }
        }

        public void Dispose()
        {
            _cache.Dispose();
            _pool.Dispose();
        }
    }
}
