using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Tests.Kernels;

public sealed class ThreadTeamTests
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

    [Fact]
    public void Dispose_ParkedWorkers_Returns()
    {
        var team = new ThreadTeam(3);
        team.For(3, static (_, _) => { });
        team.Dispose();
    }
}
