using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

public sealed class FairSharesTests
{
    [Fact]
    public void Keep_UserComesBack_StartsLevelWithTheLeastServed()
    {
        var shares = new FairShares();
        shares.Keep(new HashSet<string> { "a", "b" });
        shares.Count("a", 1000);
        shares.Count("b", 70);
        shares.Keep(new HashSet<string> { "a" });
        shares.Keep(new HashSet<string> { "a", "b", "c" });
        Assert.Equal((1000, 1000, 1000), (shares.Of("a"), shares.Of("b"), shares.Of("c")));
        shares.Count("a", 5);
        shares.Keep(new HashSet<string> { "a", "b", "c", "d" });
        Assert.Equal((1005, 1000, 1000), (shares.Of("a"), shares.Of("b"), shares.Of("d")));
    }
}
