using SmolCluster.Engine.Caching;

namespace SmolCluster.Engine.Tests.Caching;

public sealed class KvSequenceTests
{
    private const int Page = KvLayout.PageLength;

    private readonly int[] _ids = [.. Enumerable.Range(0, 10 * Page)];

    [Fact]
    public void Truncate_WithinItsOwnPages_ReturnsThePagesPastTheEnd()
    {
        using var pool = Pool();
        using KvSequence sequence = Stored(pool, 3 * Page + 1);
        sequence.Truncate(3 * Page);
        Assert.Equal((3 * Page, 3, 3), (sequence.Length, sequence.PageCount, pool.Used));
        sequence.Truncate(Page + 1);
        Assert.Equal((Page + 1, 2, 2), (sequence.Length, sequence.PageCount, pool.Used));
        sequence.Truncate(0);
        Assert.Equal((0, 0, 0), (sequence.Length, sequence.PageCount, pool.Used));
    }

    [Fact]
    public void Truncate_ToPagesOthersMayRead_IsRefused()
    {
        using var pool = Pool();
        using KvSequence sequence = Stored(pool, 2 * Page + 5);
        sequence.Publish(_ids);
        sequence.Truncate(2 * Page);
        Assert.Throws<ArgumentOutOfRangeException>(() => sequence.Truncate(2 * Page - 1));
        Assert.Equal((2 * Page, 2), (sequence.Length, pool.Used));
    }

    [Fact]
    public void Truncate_ToMoreThanIsStored_IsRefused()
    {
        using var pool = Pool();
        using KvSequence sequence = Stored(pool, 5);
        Assert.Throws<ArgumentOutOfRangeException>(() => sequence.Truncate(6));
    }

    [Fact]
    public void Truncate_AndStoredAgain_PublishesTheNewTokens()
    {
        using var pool = Pool();
        using KvSequence sequence = Stored(pool, Page + 3);
        sequence.Truncate(Page - 2);
        int[] other = [.. _ids[..(Page - 2)], 7, 7, 7];
        Assert.True(sequence.TryReserve(Page + 1));
        sequence.Advance(3);
        sequence.Publish(other);
        Assert.Equal((Page, 0), (Adopted(pool, [.. other, 1]), Adopted(pool, _ids)));
    }

    private static int Adopted(KvPagePool pool, int[] ids)
    {
        using var reader = new KvSequence(pool);
        reader.Adopt(ids);
        return reader.Length;
    }

    private static KvPagePool Pool() => new(new KvLayout(TestShapes.Small, KvType.F32), 10, new PrefixIndex());

    private static KvSequence Stored(KvPagePool pool, int positions)
    {
        var sequence = new KvSequence(pool);
        Assert.True(sequence.TryReserve(positions));
        sequence.Advance(positions);
        return sequence;
    }
}
