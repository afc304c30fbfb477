using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

public sealed class WaitingLineTests : IDisposable
{
    private readonly KvPagePool _pool = new(new KvLayout(TestShapes.Small, KvType.F32), 1);
    private readonly FairShares _shares = new();

    [Fact]
    public void Join_OneUserFloods_OthersGetPlaces()
    {
        var line = new WaitingLine(16);
        Assert.Equal(8, Fill(line, "flood"));
        Assert.Equal(4, Fill(line, "second"));
        Assert.Equal(2, Fill(line, "third"));
        Assert.Equal(1, Fill(line, "fourth"));
        Assert.Equal(1, Fill(line, "fifth"));
        Assert.Contains("16 requests wait", Assert.Throws<QueueFullException>(() => line.Join(Run("sixth"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Join_OverOnesShare_SaysWhoseAndHowMany()
    {
        var line = new WaitingLine(5);
        line.Join(Run("other"));
        Assert.Equal(2, Fill(line, "flood"));
        string message = Assert.Throws<QueueFullException>(() => line.Join(Run("flood"))).Message;
        Assert.Contains("2 of your requests wait for this model already, beside 1 of others; of 5 places", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Next_FloodBeforeOthers_UsersTakeTurns()
    {
        var line = new WaitingLine(100);
        SequenceRun[] flood = [.. Enumerable.Range(0, 5).Select(_ => Run("flood"))];
        SequenceRun late = Run("late"), later = Run("later");
        Array.ForEach([.. flood, late, later], line.Join);
        List<SequenceRun> running = [Run("flood")];
        Assert.Equal([late, later, flood[0], flood[1]], Taken(line, running, 4));
    }

    [Fact]
    public void Next_AsManyAnswersEach_TheLeastServedGoesFirst()
    {
        var line = new WaitingLine(100);
        SequenceRun much = Run("much"), little = Run("little"), none = Run("none");
        _shares.Count("much", 100);
        _shares.Count("little", 10);
        Array.ForEach([much, little, none], line.Join);
        Assert.Equal([none, little, much], Taken(line, [], 3));
    }

    [Fact]
    public void Next_PreemptedOne_GoesBeforeAll()
    {
        var line = new WaitingLine(100);
        SequenceRun first = Run("a"), preempted = Run("b");
        preempted.WasAdmitted = true;
        _shares.Count("b", 1000);
        line.Join(first);
        line.Return(preempted);
        Assert.Equal([preempted, first], Taken(line, [Run("b")], 2));
        Assert.Null(line.Next([], _shares));
    }

    public void Dispose() => _pool.Dispose();

    private List<SequenceRun> Taken(WaitingLine line, List<SequenceRun> running, int count)
    {
        List<SequenceRun> taken = [];
        for (; count > 0; count--)
        {
            SequenceRun next = line.Next(running, _shares)!;
            line.Remove(next);
            running.Add(next);
            taken.Add(next);
        }

        return taken;
    }

    private int Fill(WaitingLine line, string user)
    {
        for (int joined = 0; ; joined++)
        {
            try
            {
                line.Join(Run(user));
            }
            catch (QueueFullException)
            {
                return joined;
            }
        }
    }

    private SequenceRun Run(string user) =>
        new(new GenerationRequest([1], 1, 1, new SamplingOptions(), user), new KvSequence(_pool), static () => { }, speculation: false);
}
