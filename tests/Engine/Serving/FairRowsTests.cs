using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

/// <summary>A batch that one user fills makes room for others, and no answer changes.</summary>
public sealed class FairRowsTests : IDisposable
{
    private static readonly StepPace s_quick = new(TimeSpan.FromMilliseconds(1), TimeSpan.Zero);

    private readonly KvPagePool _pool = new(new KvLayout(TestShapes.Small, KvType.F32), 64);

    [Fact]
    public void GivesWay_OneUserHasAll_TheLastOfThemMakesRoom()
    {
        SequenceRun[] flood = [Run("flood"), Run("flood"), Run("flood")];
        Assert.Same(flood[2], WaitingLine.GivesWay(flood, Run("late")));
        Assert.Null(WaitingLine.GivesWay(flood, Run("flood")));
    }

    [Fact]
    public void GivesWay_EachHasTheirShare_NobodyMakesRoom() =>
        Assert.Null(WaitingLine.GivesWay([Run("a"), Run("b"), Run("c")], Run("d")));

    [Fact]
    public void GivesWay_AfterwardsTheOtherHadLess_NobodyMakesRoom() =>
        Assert.Null(WaitingLine.GivesWay([Run("a"), Run("a"), Run("b")], Run("b")));

    [Fact]
    public void GivesWay_WeightOfTwo_KeepsTwiceAsMuch()
    {
        SequenceRun[] heavy = [Run("heavy", 2), Run("heavy", 2), Run("heavy", 2)];
        Assert.Same(heavy[2], WaitingLine.GivesWay(heavy, Run("light")));
        Assert.Null(WaitingLine.GivesWay([.. heavy[..2], Run("light")], Run("light")));
    }

    [Fact]
    public async Task Submit_BatchFullOfOneUser_AnotherIsAnsweredFirst()
    {
        using var scheduler = Scheduler(rows: 2);
        int[] lengths = [900, 900, 30, 30];
        Generation[] flood = [.. lengths.Select(length => scheduler.Submit(Request("flood", length)))];
        await flood[0].Tokens.WaitToReadAsync(TestContext.Current.CancellationToken);
        Assert.Equal("abc", await Text(scheduler.Submit(Request("late", 3))));
        List<char>[] soFar = [.. flood.Select(Available)];
        Assert.All(lengths.Zip(soFar), static answer => Assert.True(answer.Second.Count < answer.First, "An answer of the flood came to its end first."));
        string text = string.Concat(Enumerable.Repeat("abcdefghij", 90));
        for (int i = 0; i < flood.Length; i++)
        {
            Assert.Equal(text[..lengths[i]], string.Concat(soFar[i]) + await Text(flood[i]));
        }
    }

    public void Dispose() => _pool.Dispose();

    private BatchScheduler Scheduler(int rows)
    {
        string text = string.Concat(Enumerable.Repeat("abcdefghij", 100));
        return new(new PacedDecoder(s_quick, text, 128), _pool, new EngineOptions { MaxSequences = rows, Speculation = false }, default, 257);
    }

    private static List<char> Available(Generation answer)
    {
        List<char> text = [];
        while (answer.Tokens.TryRead(out int token))
        {
            text.Add((char)token);
        }

        return text;
    }

    private static async Task<string> Text(Generation answer)
    {
        List<char> text = [];
        await foreach (int token in answer.Tokens.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            text.Add((char)token);
        }

        return new string([.. text]);
    }

    private static GenerationRequest Request(string user, int tokens, double weight = 1) =>
        new([1, 2, 3], 3, tokens, new SamplingOptions(), user) { Weight = weight };

    private SequenceRun Run(string user, double weight = 1) =>
        new(Request(user, 1, weight), new KvSequence(_pool), static () => { }, speculation: false);
}
