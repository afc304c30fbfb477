using SmolCluster.Engine.Sampling;

namespace SmolCluster.Engine.Tests.Sampling;

public sealed class TokenLogprobsTests
{
    [Fact]
    public void Of_KnownLogits_AreLogarithmsOfTheSoftmax()
    {
        float[] logits = [0, MathF.Log(2), MathF.Log(5), float.NegativeInfinity];
        var told = TokenLogprobs.Of(logits, token: 1, top: 2);
        Assert.Equal((1, MathF.Log(0.25f)), (told.Token, told.Logprob));
        Assert.Equal([2, 1], told.Top.Select(one => one.Token));
        Assert.Equal(Math.Log(0.625), told.Top[0].Logprob, 6);
        Assert.Equal(float.NegativeInfinity, TokenLogprobs.Of(logits, token: 3, top: 0).Logprob);
        Assert.Empty(TokenLogprobs.Of(logits, token: 3, top: 0).Top);
    }

    [Fact]
    public void Of_RandomLogits_LikeliestAreThoseOfAFullSort()
    {
        var random = new Random(5);
        float[] logits = [.. Enumerable.Range(0, 3000).Select(_ => random.Next(40) / 4f)];
        var expected = Enumerable.Range(0, logits.Length).OrderByDescending(token => logits[token]).ThenBy(token => token).Take(20);
        var told = TokenLogprobs.Of(logits, token: 0, top: 20);
        Assert.Equal(expected, told.Top.Select(one => one.Token));
        Assert.All(told.Top, one => Assert.True(one.Logprob <= told.Top[0].Logprob));
    }

    [Fact]
    public void Of_MoreThanThereAre_TellsAll() => Assert.Equal(2, TokenLogprobs.Of([1, 2], token: 0, top: 20).Top.Count);
}
