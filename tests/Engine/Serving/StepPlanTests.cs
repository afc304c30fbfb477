using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

public sealed class StepPlanTests : IDisposable
{
    private readonly KvPagePool _pool = new(new KvLayout(TestShapes.Small, KvType.F32), 4096);

    [Fact]
    public void Next_DecodersAndALongPrompt_DecodersFirstAndPromptInChunks()
    {
        SequenceRun prompt = Run("a", 5000), decoding = Run("b", 1);
        List<(SequenceRun Run, int Tokens)> step = Plan().Next([prompt, decoding]);
        Assert.Equal([(decoding, 1), (prompt, (int)(StepPlan.Stretch * StepPlan.CheapTokens) - 1)], step);
    }

    [Fact]
    public void Next_ThirtyOneDecodeAndOneFloods_StepTakesLittleMoreThanWithout()
    {
        List<SequenceRun> running = [.. Enumerable.Range(0, 31).Select(i => Decoding($"{i}", 20)), Run("flood", 8000), Run("flood", 8000)];
        List<(SequenceRun Run, int Tokens)> step = Plan().Next(running);
        Assert.Equal(running[..31], step[..31].Select(static s => s.Run));
        Assert.All(step[..31], static s => Assert.Equal(1, s.Tokens));
        Assert.Equal((running[31], (int)(31 * StepPlan.Stretch) - 31), Assert.Single(step[31..]));
    }

    [Fact]
    public void Next_OneUserHasMostAnswers_TheyTakeTurnsBesideOthers()
    {
        SequenceRun other = Decoding("other", 20);
        List<SequenceRun> running = [.. Enumerable.Range(0, 30).Select(_ => Decoding("flood", 20)), other];
        var plan = Plan();
        HashSet<SequenceRun> served = [];
        for (int step = 1; served.Count < running.Count; step++)
        {
            List<SequenceRun> chosen = [.. plan.Next(running).Select(static s => s.Run)];
            Assert.Equal(StepPlan.CheapTokens, chosen.Count);
            Assert.Contains(other, chosen);
            Assert.True(step == 1 ? served.Count == 0 : step <= 5, "Somebody waits for more than a round.");
            chosen.ForEach(run => run.LastStep = step);
            served.UnionWith(chosen);
        }
    }

    [Fact]
    public void Next_UsersHaveAsManyAnswersEach_AllDecode()
    {
        List<SequenceRun> running = [.. Enumerable.Range(0, 30).Select(i => Decoding($"{i % 3}", 20))];
        Assert.Equal(running, Plan().Next(running).Select(static s => s.Run));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(4000)]
    [InlineData(8000)]
    public void Next_PromptIsDeep_ChunkShrinksAsItsTokensCostMore(int depth)
    {
        var cost = new StepCost(1 / 5000.0);
        var plan = new StepPlan(128, cost, new FairShares());
        SequenceRun flood = Run("flood", 8192);
        Assert.True(flood.Cache.TryReserve(depth));
        flood.Cache.Advance(depth);
        List<SequenceRun> running = [.. Enumerable.Range(0, 31).Select(i => Decoding($"{i}", 100)), flood];
        List<(SequenceRun Run, int Tokens)> step = plan.Next(running);
        double alone = step[..31].Sum(s => s.Tokens * cost.At(s.Run.Cache.Length)), beside = step[31].Tokens * cost.At(depth);
        Assert.InRange(beside / alone, 0.4, StepPlan.Stretch - 1);
    }

    [Fact]
    public void Next_NothingIsAffordable_APromptStillGetsOn()
    {
        var plan = new StepPlan(128, new StepCost(1), new FairShares());
        SequenceRun deep = Run("a", 5000), other = Run("b", 5000);
        Assert.True(deep.Cache.TryReserve(4000));
        deep.Cache.Advance(4000);
        Assert.Equal([(deep, StepPlan.FewestPrefill)], plan.Next([Decoding("c", 20), deep, other])[1..]);
    }

    [Fact]
    public void Next_PromptsAlone_FillTheStep()
    {
        SequenceRun first = Run("a", 100), second = Run("b", 100);
        Assert.Equal([(first, 100), (second, 28)], Plan().Next([first, second]));
    }

    [Fact]
    public void Next_OneUserServedMore_TheOtherGoesFirst()
    {
        var shares = new FairShares();
        var plan = new StepPlan(128, default, shares);
        SequenceRun greedy = Run("a", 5000), late = Run("b", 60);
        shares.Count("a", 128);
        Assert.Equal([(late, 60), (greedy, 68)], plan.Next([greedy, late]));
    }

    [Fact]
    public void Next_SamePageNeeded_TheOneFurthestInItGetsTheTurn()
    {
        using var pool = new KvPagePool(new KvLayout(TestShapes.Small, KvType.F32), 16, new PrefixIndex());
        var shares = new FairShares();
        var plan = new StepPlan(40, default, shares);
        SequenceRun first = Run("a", 200, pool), second = Run("b", 200, pool), third = Run("c", 64, pool);
        List<SequenceRun> running = [first, second, third];
        Assert.True(first.Cache.TryReserve(64));
        first.Cache.Advance(40);
        shares.Count("a", 40);
        // the third has no token after the page: it could not take it, so it does not wait for it
        Assert.Equal([(first, 40)], plan.Next([first, second]));
        Assert.Equal([(third, 40)], plan.Next([third, first]));

        first.Cache.Advance(24);
        first.Publish();
        shares.Count("a", 24);
        second.Adopt();
        Assert.Equal(64, second.Cache.Length);
        Assert.Equal([(first, 40)], plan.Next(running[..2]));
    }

    [Fact]
    public void Next_OneDecodesATextThatRepeats_BringsDraftedTokens()
    {
        var plan = Plan();
        SequenceRun run = Decoding("a", 20);
        (SequenceRun Run, int Tokens) = Assert.Single(plan.Next([run]));
        Assert.Same(run, Run);
        Assert.InRange(Tokens, 2, StepPlan.CheapTokens);
        Assert.Equal(Tokens, run.Slice(Tokens).LogitRowCount);
        Assert.Equal(1, run.Slice(1).LogitRowCount);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(30)]
    public void Next_ManyDecode_DraftsFillWhatIsCheapAndNoMore(int users)
    {
        var plan = Plan();
        List<SequenceRun> running = [.. Enumerable.Range(0, users).Select(i => Decoding($"{i}", 20))];
        List<(SequenceRun Run, int Tokens)> step = plan.Next(running);
        Assert.Equal(running, step.Select(static s => s.Run));
        Assert.Equal(Math.Max(users, StepPlan.CheapTokens), step.Sum(static s => s.Tokens));
        Assert.InRange(step.Max(static s => s.Tokens) - step.Min(static s => s.Tokens), 0, 1);
    }

    [Fact]
    public void Next_StepIsSmall_DraftsStayWithinIt()
    {
        var plan = Plan(4);
        Assert.Equal(4, plan.Next([Decoding("a", 20), Decoding("b", 20)]).Sum(static s => s.Tokens));
    }

    [Fact]
    public void Next_OneTokenToGo_NothingIsDrafted()
    {
        var plan = Plan();
        SequenceRun last = Decoding("a", 20, maxTokens: 1), lastButOne = Decoding("b", 20, maxTokens: 2);
        Assert.Equal([(last, 1), (lastButOne, 2)], plan.Next([last, lastButOne]));
    }

    public void Dispose() => _pool.Dispose();

    private static StepPlan Plan(int maxTokens = 128) => new(maxTokens, default, new FairShares());

    // one whose text goes round: there is always something to draft
    private SequenceRun Decoding(string user, int tokens, int maxTokens = 100)
    {
        int[] text = [.. Enumerable.Range(0, tokens).Select(static i => i % 5)];
        var run = new SequenceRun(new GenerationRequest(text, tokens, maxTokens, new SamplingOptions(), user), new KvSequence(_pool),
            static () => { }, speculation: true);
        Assert.True(run.Cache.TryReserve(tokens));
        run.Cache.Advance(tokens - 1);
        return run;
    }

    private SequenceRun Run(string user, int tokens, KvPagePool? pool = null) =>
        new(new GenerationRequest(new int[tokens], tokens, 10, new SamplingOptions(), user),
            new KvSequence(pool ?? _pool), static () => { }, speculation: true);
}
