using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Tests.Kernels;

public sealed unsafe class ThreadTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void For_ManyRegions_EachPieceOnce(int size)
    {
        using var team = new ThreadTeam(size);
        for (int region = 0; region < 300; region++)
        {
            int[] taken = new int[region % 50];
            team.For(taken.Length, (piece, worker) =>
            {
                Assert.InRange(worker, 0, size - 1);
                Interlocked.Increment(ref taken[piece]);
            });
            Assert.All(taken, static count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void For_ManyPieces_TheFirstFollowEachOtherOnOneThread()
    {
        using var team = new ThreadTeam(2);
        int[] threads = new int[64];
        team.For(threads.Length, (piece, worker) => threads[piece] = worker);
        Assert.Single(threads.Take(16).Distinct()); // one of the two runs that each thread could take
    }

    [Fact]
    public void For_CallerInItsFirstRun_WorkerBeginsWithTheSecond()
    {
        using var team = new ThreadTeam(2);
        using var begun = new ManualResetEventSlim();
        int[] firsts = [-1, -1];
        team.For(64, (piece, worker) =>
        {
            Interlocked.CompareExchange(ref firsts[worker], piece, -1);
            if (worker == 0)
            {
                begun.Wait(TestContext.Current.CancellationToken);
            }
            else
            {
                begun.Set();
            }
        });
        Assert.Equal([0, team.Run(64)], firsts);
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(2, 64)]
    [InlineData(3, 2)]
    [InlineData(5, 1000)]
    public void Run_WhileAnyIsLeft_TakesSomeAndNeverMore(int size, int count)
    {
        using var team = new ThreadTeam(size);
        for (int left = count; left > 0; left -= team.Run(left))
        {
            Assert.InRange(team.Run(left), 1, left);
        }
    }

    [Fact]
    public void Expect_MemoryOfNobody_AskedForWithoutHarm()
    {
        using var team = new ThreadTeam(2);
        for (int region = 0; region < 1000; region++)
        {
            team.Expect(0, (byte*)1, (byte*)nuint.MaxValue, long.MaxValue);
            team.Expect(1, null, (byte*)(nuint.MaxValue / 3), region);
            int sum = 0;
            team.For(40, (piece, _) => Interlocked.Add(ref sum, piece));
            Assert.Equal(780, sum);
        }
    }

    [Fact]
    public void For_PieceThrows_CallerSeesItAndTheTeamWorksOn()
    {
        using var team = new ThreadTeam(2);
        var thrown = Assert.Throws<InvalidOperationException>(() => team.For(100, static (piece, _) =>
        {
            if (piece == 57)
            {
                throw new ArithmeticException("seven and fifty");
            }
        }));
        Assert.Contains("seven and fifty", thrown.Message, StringComparison.Ordinal);

        int sum = 0;
        team.For(10, (piece, _) => Interlocked.Add(ref sum, piece));
        Assert.Equal(45, sum);
    }

    /// <summary>Regions so short that workers come late to many of them: what one takes must be of the region that is open.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void For_RegionsInQuickSuccession_NoPieceOfAnother(int size)
    {
        using var team = new ThreadTeam(size);
        int[] taken = new int[8];
        for (int region = 1; region <= 100_000; region++) // more than the regions' numbers have values
        {
            int now = region, count = 2 + region % 7;
            team.For(count, (piece, _) => taken[piece] = taken[piece] < now && piece < count ? now : int.MaxValue);
            for (int piece = 0; piece < count; piece++)
            {
                Assert.Equal(region, taken[piece]);
            }
        }
    }

    [Fact]
    public void For_FirstPieceThrows_LaterOnesAreLeftOut()
    {
        using var team = new ThreadTeam(2);
        int begun = 0;
        Assert.Throws<InvalidOperationException>(() => team.For(1_000_000, (_, _) =>
        {
            Interlocked.Increment(ref begun);
            throw new ArithmeticException();
        }));
        Assert.InRange(begun, 1, 2);
    }

    [Fact]
    public void For_MorePiecesThanARegionHolds_IsRefused()
    {
        using var team = new ThreadTeam(2);
        Assert.Throws<ArgumentOutOfRangeException>(() => team.For(ThreadTeam.MostPieces + 1, static (_, _) => { }));
    }

    [Fact]
    public void For_Pinned_EveryThreadOnOneProcessor()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("Threads are pinned on Linux only.");
        }

        using var team = new ThreadTeam(3, pinned: true);
        var masks = new System.Collections.Concurrent.ConcurrentDictionary<int, string>();
        string? caller = null;
        var thread = new Thread(() =>
        {
            team.PinCaller();
            while (masks.Count < 3)
            {
                team.For(64, (_, worker) => masks.TryAdd(worker, AllowedProcessors()));
            }

            caller = AllowedProcessors();
        });
        thread.Start();
        thread.Join();
        Assert.Equal(masks[0], caller);
        Assert.All(masks.Values, static mask => Assert.True(int.TryParse(mask, out _), mask));
        Assert.Equal(Math.Min(3, Environment.ProcessorCount), masks.Values.Distinct().Count());
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 3)]
    [InlineData(2, 64)]
    [InlineData(3, 1)]
    public void At_Mask_IsTheIndexthProcessorCountedRound(int index, int processor) =>
        Assert.Equal(processor, ProcessorPin.At([0b1010, 1], index));

    private static string AllowedProcessors() => File.ReadLines("/proc/thread-self/status")
        .Single(static line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Trim();

    [Fact]
    public void Dispose_ParkedWorkers_Returns()
    {
        var team = new ThreadTeam(3);
        team.For(3, static (_, _) => { });
        team.Dispose();
    }
}
