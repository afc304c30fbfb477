using SmolCluster.Engine.Pipeline;

namespace SmolCluster.Engine.Tests.Pipeline;

public sealed class StagePlannerTests
{
    [Fact]
    public void Plan_OneNodeHoldsAll_IsOneStage()
    {
        StagePlan plan = StagePlanner.Plan(Model(3, 2, 2, 2), [new("a", 8), new("b", 9)]);
        Assert.Equal(("b", new LayerRange(0, 3)), (plan.Stages[0].Node.Name, plan.Stages[0].Range));
        Assert.Equal((1, null), (plan.Stages.Count, plan.Missing));
    }

    /// <summary>SmolLM3-3B in Q4_K_M, whose embedding is also its head: two nodes of 60 % of the file get half of it each.</summary>
    [Fact]
    public void Plan_TwoNodesOfSixtyPercent_FillsThemAlike()
    {
        ModelOutline model = Model(206, [.. Enumerable.Repeat(43, 36)]);
        StagePlan plan = StagePlanner.Plan(model, [new("b", 1053), new("a", 1053)]);
        Assert.Equal(["a: layers 0 to 15", "b: layers 16 to 35"], plan.Stages.Select(static stage => $"{stage.Node.Name}: {stage.Range}"));
        Assert.Equal([894, 860], plan.Stages.Select(stage => (int)(model.Bytes(stage.Range) >> 20)));
    }

    [Fact]
    public void Plan_MoreNodesThanNeeded_TakesFewAndTheLargest()
    {
        StagePlan plan = StagePlanner.Plan(Model(2, 2, 2, 2, 2), [new("small", 4), new("large", 8), new("middle", 6)]);
        Assert.Equal(["large", "middle"], plan.Stages.Select(static stage => stage.Node.Name));
    }

    [Fact]
    public void Plan_LayersWithoutRoom_SaysWhichAndHowMuch()
    {
        string? missing = StagePlanner.Plan(Model(2, 2, 2, 2, 2), [new("a", 6), new("b", 3)]).Missing;
        Assert.StartsWith("no silo has room for layer 3 of 4, 2 MiB: the 2 silos here allow 6 + 3 MiB of weights", missing, StringComparison.Ordinal);
        Assert.StartsWith("no silo has room for embedding, head and layer 0, which must lie on one silo, 4 MiB: the one silo here allows 3 MiB",
            StagePlanner.Plan(Model(2, 2, 2, 2, 2), [new("a", 3)]).Missing, StringComparison.Ordinal);
        Assert.Contains("no silo offers memory", StagePlanner.Plan(Model(2, 2), []).Missing, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Plan_RandomModelsAndNodes_FindsAPlanWhereThereIsOneAndKeepsToEveryBudget(int seed)
    {
        var random = new Random(seed);
        int found = 0;
        for (int round = 0; round < 500; round++)
        {
            ModelOutline model = Model(random.Next(1, 9), [.. Enumerable.Range(0, random.Next(1, 9)).Select(_ => random.Next(1, 6))]);
            StageNode[] nodes = [.. Enumerable.Range(0, random.Next(1, 5)).Select(i => new StageNode($"{i}", random.Next(1, 20)))];
            StagePlan plan = StagePlanner.Plan(model, nodes);
            random.Shuffle(nodes);
            Assert.Equal(plan.Stages, StagePlanner.Plan(model, nodes).Stages);
            Assert.Equal(CanHold(model, [.. StagePlanner.Order(nodes).Select(static node => node.BudgetMiB)], 0, 0, model.EndBytes), plan.Missing is null);
            if (plan.Missing is null)
            {
                found++;
                Assert.All(plan.Stages, stage => Assert.InRange(model.Bytes(stage.Range), 1, (long)stage.Node.BudgetMiB << 20));
                Assert.Equal(model.LayerBytes.Count, plan.Stages.Aggregate(0, static (end, stage) => stage.Range.First == end && stage.Range.Count > 0 ? stage.Range.End : -1));
                Assert.Equal(plan.Stages.Count, plan.Stages.Select(static stage => stage.Node).Distinct().Count());
            }
        }

        Assert.InRange(found, 50, 450);
    }

    // every way to cut: the plainest search
    private static bool CanHold(ModelOutline model, int[] budgets, int node, int first, long ends)
    {
        if (first == model.LayerBytes.Count)
        {
            return true;
        }

        for (int count = 1; node < budgets.Length && first + count <= model.LayerBytes.Count; count++)
        {
            long bytes = ends + model.LayerBytes.Skip(first).Take(count).Sum();
            if (bytes <= (long)budgets[node] << 20 && CanHold(model, budgets, node + 1, first + count, 0))
            {
                return true;
            }
        }

        return false;
    }

    // in MiB
    private static ModelOutline Model(int ends, params int[] layers) =>
        new(TestShapes.Small, "hash", (long)(ends + layers.Sum()) << 20, (long)ends << 20, [.. layers.Select(static layer => (long)layer << 20)]);
}
