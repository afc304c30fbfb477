using SmolCluster.Engine.Sampling;

namespace SmolCluster.Engine.Tests.Sampling;

public sealed class SamplerTests
{
    private static readonly SamplingOptions Greedy = new() { Temperature = 0 };

    private static int Sample(float[] logits, SamplingOptions options, int[]? tokens = null, int promptLength = 0) =>
        new Sampler(logits.Length).Sample((float[])logits.Clone(), tokens ?? [], promptLength, options);

    [Fact]
    public void Sample_TemperatureZero_TakesLargestWithLowestId() => Assert.Equal(1, Sample([0, 3, 3, 1], Greedy));

    [Fact]
    public void Sample_NegativeZeroAndZero_AreATie() => Assert.Equal(0, Sample([-0f, 0f], Greedy));

    [Fact]
    public void Sample_BiasMinusHundred_ForbidsEvenALeadOfThousands() =>
        Assert.Equal(0, Sample([0, 5000], Greedy with { LogitBias = new Dictionary<int, float> { [1] = -100 } }));

    [Fact]
    public void Sample_RepetitionPenalty_TouchesOnlyTheWindowOnce()
    {
        SamplingOptions options = Greedy with { RepetitionPenalty = 2, PenaltyWindow = 2 };
        Assert.Equal(2, Sample([10, 9, 8], options, [2, 0, 1], 3)); // 5, 4.5, 8
        Assert.Equal(0, Sample([10, 4, 4.5f], options, [0, 0, 2, 2], 4)); // 10, 4, 2.25
        Assert.Equal(1, Sample([-1, -1.5f, -9], options, [0], 0)); // -2, -1.5
    }

    [Fact]
    public void Sample_PresenceAndFrequency_CountGeneratedTokensOnly()
    {
        float[] logits = [2, 1.5f, 0];
        Assert.Equal(0, Sample(logits, Greedy with { PresencePenalty = 2 }, [0, 0], 2));
        Assert.Equal(1, Sample(logits, Greedy with { PresencePenalty = 2 }, [0, 0], 1));
        Assert.Equal(0, Sample(logits, Greedy with { FrequencyPenalty = 0.3f }, [0], 0));
        Assert.Equal(1, Sample(logits, Greedy with { FrequencyPenalty = 0.3f }, [0, 0], 0));
    }

    [Fact]
    public void Sample_CalledTwice_KeepsNothingBetweenCalls()
    {
        Sampler sampler = new(3);
        SamplingOptions options = Greedy with { FrequencyPenalty = 0.3f, RepetitionPenalty = 1.5f };
        for (int i = 0; i < 5; i++) Assert.Equal(0, sampler.Sample([2f, 1, 0], [0], 0, options));
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "token 2")]
    public void Sample_BrokenLogit_NamesTheToken(float broken, string expected)
    {
        foreach (float temperature in (float[])[0, 1])
        {
            InvalidOperationException error = Assert.Throws<InvalidOperationException>(
                () => Sample([1, 2, broken, 4], new SamplingOptions { Temperature = temperature }));
            Assert.Contains("token 2", error.Message, StringComparison.Ordinal);
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Sample_EverythingForbidden_Throws()
    {
        float[] logits = [float.NegativeInfinity, float.NegativeInfinity];
        Assert.Contains("forbidden", Assert.Throws<InvalidOperationException>(() => Sample(logits, Greedy)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sample_IdOutsideVocabulary_Throws()
    {
        SamplingOptions options = Greedy with { LogitBias = new Dictionary<int, float> { [2] = 1 } };
        Assert.Throws<ArgumentOutOfRangeException>(() => Sample([0, 1], options));
        Assert.Throws<ArgumentOutOfRangeException>(() => Sample([0, 1], Greedy with { PresencePenalty = 1 }, [0, 2], 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Sample([0, 1], Greedy, [0], 2));
        Assert.Throws<ArgumentException>(() => new Sampler(3).Sample([0f, 1], [], 0, Greedy));
    }

    [Fact]
    public void Sample_ForbiddenTokens_AreNeverDrawn()
    {
        Sampler sampler = new(4);
        SamplingOptions options = new() { Temperature = 2, TopP = 1 };
        for (int position = 0; position < 1000; position++)
        {
            float[] logits = [float.NegativeInfinity, 1, float.NegativeInfinity, 2];
            Assert.Contains(sampler.Sample(logits, new int[position], position, options), new[] { 1, 3 });
        }
    }

    [Fact]
    public void Sample_ManyPositions_FollowsTheSoftmax()
    {
        const int draws = 20_000;
        Sampler sampler = new(3);
        SamplingOptions options = new() { Temperature = 0.5f, TopP = 1, Seed = 7 };
        int[] counts = new int[3];
        int[] tokens = new int[draws];
        for (int i = 0; i < draws; i++)
            counts[sampler.Sample([0.5f * MathF.Log(6), 0.5f * MathF.Log(3), 0], tokens.AsSpan(0, i), i, options)]++;
        Assert.InRange(counts[0], draws * 0.59, draws * 0.61);
        Assert.InRange(counts[1], draws * 0.29, draws * 0.31);
    }

    /// <summary>The lazily ranked chain against the definition in words: sort everything, then cut and draw.</summary>
    [Fact]
    public void Sample_RandomLogitsAndOptions_EqualsTheFullSort()
    {
        Random random = new(3);
        for (int round = 0; round < 600; round++)
        {
            int length = random.Next(1, round % 10 == 0 ? 20_000 : 300);
            float spread = (float)Math.Pow(10, random.NextDouble() * 4 - 2);
            bool ties = random.Next(2) == 0;
            float[] logits = new float[length];
            for (int i = 0; i < length; i++)
            {
                float logit = (float)(random.NextDouble() - 0.5) * spread;
                logits[i] = i > 0 && random.Next(10) == 0 ? float.NegativeInfinity : ties ? MathF.Round(logit) : logit;
            }
            SamplingOptions options = new()
            {
                Temperature = (float)Math.Pow(10, random.NextDouble() * 8 - 7.7),
                TopK = random.Next(3) == 0 ? random.Next(1, length + 5) : 0,
                TopP = random.Next(3) == 0 ? 1 : (float)Math.Max(1e-3, random.NextDouble()),
                MinP = random.Next(3) == 0 ? (float)Math.Pow(random.NextDouble(), 3) : 0,
                Seed = (ulong)random.NextInt64(),
            };
            int[] tokens = new int[random.Next(1000)];
            Assert.Equal(FullSort(logits, tokens.Length, options), Sample(logits, options, tokens, tokens.Length));
        }
    }

    private static int FullSort(float[] logits, int position, SamplingOptions options)
    {
        float largest = logits.Max();
        double Weight(int id) => SamplingMath.Exp(((double)logits[id] - largest) / options.Temperature);
        int[] sorted = [.. Enumerable.Range(0, logits.Length).OrderByDescending(id => logits[id]).ThenBy(id => id)];
        IEnumerable<int> inTotal = Enumerable.Range(0, logits.Length);
        if (options.TopK > 0) inTotal = sorted = [.. sorted.Take(options.TopK)];
        if (options.TopP < 1)
        {
            double share = options.TopP * inTotal.Sum(Weight), sum = 0;
            inTotal = sorted = [.. sorted.TakeWhile(id => { bool before = sum < share; sum += Weight(id); return before; })];
        }
        if (options.MinP > 0) inTotal = sorted = [.. sorted.TakeWhile(id => Weight(id) >= options.MinP)];
        double target = CounterRandom.NextDouble(options.Seed, (ulong)position) * inTotal.Sum(Weight), passed = 0;
        foreach (int id in sorted)
        {
            passed += Weight(id);
            if (passed > target) return id;
        }
        return sorted.Last(id => Weight(id) > 0);
    }
}
