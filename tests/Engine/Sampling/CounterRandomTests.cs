using SmolCluster.Engine.Sampling;

namespace SmolCluster.Engine.Tests.Sampling;

public sealed class CounterRandomTests
{
    /// <summary>The published known answers of Random123 for philox4x32, 10 rounds.</summary>
    [Theory]
    [InlineData(new uint[] { 0, 0, 0, 0 }, new uint[] { 0, 0 }, new uint[] { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 })]
    [InlineData(new uint[] { 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff }, new uint[] { 0xffffffff, 0xffffffff },
        new uint[] { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd })]
    [InlineData(new uint[] { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, new uint[] { 0xa4093822, 0x299f31d0 },
        new uint[] { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 })]
    public void Philox_KnownCounters_GivesPublishedAnswers(uint[] counter, uint[] key, uint[] expected)
    {
        (uint a, uint b, uint c, uint d) = CounterRandom.Philox((counter[0], counter[1], counter[2], counter[3]), (key[0], key[1]));
        Assert.Equal(expected, new[] { a, b, c, d });
    }

    [Fact]
    public void NextDouble_SeedAndPositionZero_IsTheTopOfTheKnownAnswer() =>
        Assert.Equal((0x6627e8d5e169c58dUL >> 11) / 9007199254740992.0, CounterRandom.NextDouble(0, 0));

    [Fact]
    public void NextDouble_ManyPositions_IsUniformInUnitInterval()
    {
        const int draws = 100_000;
        int[] tenths = new int[10];
        for (ulong position = 0; position < draws; position++)
        {
            double u = CounterRandom.NextDouble(42, position);
            Assert.InRange(u, 0, Math.BitDecrement(1.0));
            tenths[(int)(u * 10)]++;
        }
        Assert.All(tenths, count => Assert.InRange(count, draws / 10 - 500, draws / 10 + 500));
    }

    [Fact]
    public void NextDouble_PositionOrSeedAbove32Bits_Matters()
    {
        Assert.NotEqual(CounterRandom.NextDouble(1, 0), CounterRandom.NextDouble(1, 1UL << 32));
        Assert.NotEqual(CounterRandom.NextDouble(1, 0), CounterRandom.NextDouble(1 | 1UL << 32, 0));
    }
}
