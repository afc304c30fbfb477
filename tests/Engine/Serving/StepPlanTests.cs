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
        var plan = new StepPlan(128, 32);
        SequenceRun prompt = Run("a", 5000), decoding = Run("b", 1);
        Assert.Equal([(decoding, 1), (prompt, 32)], plan.Next([prompt, decoding]));
    }

    [Fact]
    public void Next_PromptsAlone_FillTheStep()
    {
        var plan = new StepPlan(128, 32);
        SequenceRun first = Run("a", 100), second = Run("b", 100);
        Assert.Equal([(first, 100), (second, 28)], plan.Next([first, second]));
    }

    [Fact]
    public void Next_OneUserServedMore_TheOtherGoesFirst()
    {
        var plan = new StepPlan(128, 32);
        SequenceRun greedy = Run("a", 5000), late = Run("b", 60);
        plan.Next([greedy, late]);
        plan.Count("a", 128);
        Assert.Equal([(late, 60), (greedy, 68)], plan.Next([greedy, late]));
    }

    [Fact]
    public void Next_UserComesBack_StartsLevelWithTheLeastServed()
    {
        var plan = new StepPlan(10, 10);
        SequenceRun a = Run("a", 5000), b = Run("b", 5000);
        plan.Next([a]);
        plan.Count("a", 1000);
        plan.Next([a, b]);
        plan.Count("b", 10);
        Assert.Equal([(a, 10)], plan.Next([a, b]));
    }

    public void Dispose() => _pool.Dispose();

    private SequenceRun Run(string user, int tokens) =>
        new(new GenerationRequest(new int[tokens], tokens, 10, new SamplingOptions(), user), new KvSequence(_pool), static () => { });
}
