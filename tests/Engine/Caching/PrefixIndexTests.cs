using SmolCluster.Engine.Caching;

namespace SmolCluster.Engine.Tests.Caching;

public sealed unsafe class PrefixIndexTests
{
    private const int Page = KvLayout.PageLength;

    [Fact]
    public void Adopt_SameBeginning_TakesTheFullPagesAndLeavesTheLastToken()
    {
        using var pool = Pool(10);
        using KvSequence writer = Written(pool, Ids(0, 3 * Page + 5));
        Assert.Equal(3 * Page, Adopted(pool, Ids(0, 3 * Page + 5)));
        Assert.Equal(2 * Page, Adopted(pool, Ids(0, 3 * Page)));
        Assert.Equal(3 * Page, Adopted(pool, Ids(0, 3 * Page + 1)));
        Assert.Equal(0, Adopted(pool, Ids(0, Page)));
        Assert.Equal(Page, Adopted(pool, [.. Ids(0, 2 * Page - 1), 9, .. Ids(0, Page)]));
        Assert.Equal(0, Adopted(pool, Ids(1, 3 * Page)));
    }

    [Fact]
    public void Adopt_SamePageAfterAnotherBeginning_IsNotFound()
    {
        using var pool = Pool(10);
        using KvSequence writer = Written(pool, [.. Ids(0, Page), .. Ids(7, Page)]);
        Assert.Equal(0, Adopted(pool, [.. Ids(7, Page), 1]));
        Assert.Equal(Page, Adopted(pool, [.. Ids(0, Page), .. Ids(8, Page), 1]));
    }

    [Fact]
    public void Adopt_EveryHashTheSame_NeverMixes()
    {
        using var pool = Pool(40, new PrefixIndex(static (_, _) => 1));
        int[][] texts = [.. Enumerable.Range(0, 8).Select(i => (int[])[.. Ids(i % 2, Page), .. Ids(i, Page), 0])];
        foreach (int[] text in texts)
        {
            Written(pool, text).Dispose();
        }

        foreach (int[] text in texts)
        {
            using var reader = new KvSequence(pool);
            reader.Adopt(text);
            AssertHolds(reader, text.AsSpan(0, 2 * Page));
        }

        Assert.Equal(0, Adopted(pool, Ids(2, 2 * Page)));
    }

    [Fact]
    public void Publish_TwoComputedTheSame_KeepOnePage()
    {
        using var pool = Pool(10);
        int[] ids = Ids(0, 2 * Page + 1);
        using KvSequence a = Reserved(pool, ids), b = Reserved(pool, ids);
        Assert.Equal(6, pool.Used);
        Write(a, ids);
        Write(b, ids);
        Assert.Equal(4, pool.Used);
        Assert.True(a.Page(0) == b.Page(0) && a.Page(1) == b.Page(1) && a.Page(2) != b.Page(2));
    }

    [Fact]
    public void Adopt_InTheMidstOfThePage_TakesTheWholeOneInstead()
    {
        using var pool = Pool(10);
        int[] ids = Ids(0, 2 * Page);
        using KvSequence late = Reserved(pool, ids[..20]);
        Write(late, ids[..20]);
        using KvSequence first = Written(pool, ids);
        late.Adopt(ids);
        Assert.Equal((Page, 2), (late.Length, pool.Used));
        AssertHolds(late, ids.AsSpan(0, Page));
    }

    [Fact]
    public void TryReserve_PoolFullOfUnreadPages_EvictsTheLeastRecentlyUsedLeavesFirst()
    {
        using var pool = Pool(6);
        int[] old = Ids(0, 3 * Page), young = Ids(1, 3 * Page);
        Written(pool, old).Dispose();
        Written(pool, young).Dispose();
        Assert.Equal((0, 6, 6), (pool.Used, pool.Index!.IdleCount, pool.Available));
        Assert.Equal(2 * Page, Adopted(pool, [.. old[..(2 * Page)], 1])); // its beginning is the youngest now, its end the oldest
        using var next = new KvSequence(pool);
        Assert.True(next.TryReserve(2 * Page));
        Assert.Equal(2 * Page, Adopted(pool, [.. old, 1]));
        Assert.Equal(2 * Page, Adopted(pool, [.. young, 1]));
    }

    [Fact]
    public void TryReserve_Everything_EvictsAllButPagesWithReaders()
    {
        using var pool = Pool(5);
        Written(pool, Ids(0, 3 * Page)).Dispose();
        using var all = new KvSequence(pool);
        using (var reader = new KvSequence(pool))
        {
            reader.Adopt(Ids(0, Page + 1));
            Assert.False(all.TryReserve(5 * Page));
            Assert.True(all.TryReserve(4 * Page));
            Assert.Equal((5, 1, 0), (pool.Used, pool.Index!.Count, pool.Index.IdleCount));
            all.Clear();
        }

        Assert.True(all.TryReserve(5 * Page));
        Assert.Equal((0, 0), (pool.Index.Count, pool.Index.IdleCount));
        all.Clear();
        Assert.Equal((0, 5), (pool.Used, pool.Available));
    }

    /// <summary>Several hundred random steps of random sequences over few texts and few pages, against the plainest model:
    /// what a page holds is what was written to it, and every page is held, free or kept.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void RandomOperations_HoldWhatWasWritten_AndNothingLeaks(int seed, bool oneBucket)
    {
        var random = new Random(seed);
        using var pool = Pool(12, oneBucket ? new PrefixIndex(static (_, _) => 7) : new PrefixIndex());
        (KvSequence Cache, int[] Text)[] runs = [.. Enumerable.Range(0, 6).Select(_ => (new KvSequence(pool), Text(random)))];
        int found = 0;
        for (int operation = 0; operation < 800; operation++)
        {
            ref (KvSequence Cache, int[] Text) run = ref runs[random.Next(runs.Length)];
            if (random.Next(12) == 0 || run.Cache.Length >= run.Text.Length)
            {
                run.Cache.Clear();
                run.Text = Text(random);
            }
            else if (random.Next(3) == 0)
            {
                int before = run.Cache.Length;
                run.Cache.Adopt(run.Text);
                found += run.Cache.Length - before;
                Assert.InRange(run.Cache.Length, before, run.Text.Length - 1);
            }
            else
            {
                int[] known = run.Text[..Math.Min(run.Text.Length, run.Cache.Length + random.Next(1, 50))];
                if (run.Cache.TryReserve(known.Length))
                {
                    Write(run.Cache, known);
                }
            }

            AssertStates(pool, runs, contents: operation % 8 == 0);
        }

        Assert.True(found > 20 * Page, $"Only {found} tokens were found: the texts share too little to test anything.");
        Array.ForEach(runs, static r => r.Cache.Dispose());
        Assert.Equal((0, pool.Index!.Count), (pool.Used, pool.Index.IdleCount));
        Assert.True(runs[0].Cache.TryReserve(12 * Page));
        Assert.Equal(0, pool.Index.Count);
        runs[0].Cache.Dispose();
        Assert.Equal(0, pool.Used);
    }

    private static void AssertStates(KvPagePool pool, (KvSequence Cache, int[] Text)[] runs, bool contents)
    {
        Dictionary<nint, int> readers = [];
        foreach ((KvSequence cache, int[] text) in runs)
        {
            AssertHolds(cache, text.AsSpan(0, contents ? cache.Length : 0));
            for (int i = 0; i < cache.PageCount; i++)
            {
                readers[(nint)cache.Page(i)] = readers.GetValueOrDefault((nint)cache.Page(i)) + 1;
                Assert.True(i >= cache.Length / Page || cache.PageAt(i).IsIndexed, "A full page is in the index.");
            }
        }

        foreach (KvPage page in runs.SelectMany(static r => Enumerable.Range(0, r.Cache.PageCount).Select(r.Cache.PageAt)))
        {
            Assert.Equal(readers[(nint)page.Data], page.Readers);
            Assert.True(page.IsIndexed || page.Readers == 1, "A page outside of the index has one owner.");
        }

        Assert.Equal(readers.Count, pool.Used);
        Assert.InRange(pool.Used + pool.Index!.IdleCount, 0, pool.Capacity);
        Assert.InRange(pool.Index.Count, pool.Index.IdleCount, pool.Capacity);
    }

    // few beginnings and few continuations, so that texts share pages, fork, and grow
    private static int[] Text(Random random)
    {
        List<int> text = [];
        for (int pages = random.Next(1, 4); pages > 0; pages--)
        {
            text.AddRange(Ids(random.Next(2), Page));
        }

        return [.. text, .. Ids(5, random.Next(1, Page))];
    }

    private static KvPagePool Pool(int pages, PrefixIndex? index = null) =>
        new(new KvLayout(TestShapes.Small, KvType.F32), pages, index ?? new PrefixIndex());

    private static int[] Ids(int salt, int count) => [.. Enumerable.Range(0, count).Select(i => i * 31 + salt * 1009)];

    private static int Adopted(KvPagePool pool, int[] ids)
    {
        using var sequence = new KvSequence(pool);
        sequence.Adopt(ids);
        return sequence.Length;
    }

    private static KvSequence Reserved(KvPagePool pool, int[] ids)
    {
        var sequence = new KvSequence(pool);
        Assert.True(sequence.TryReserve(ids.Length));
        return sequence;
    }

    private static KvSequence Written(KvPagePool pool, int[] ids)
    {
        KvSequence sequence = Reserved(pool, ids);
        Write(sequence, ids);
        return sequence;
    }

    // what a forward step does, with a hash of all ids so far for keys and values: equal texts, equal bits
    private static void Write(KvSequence sequence, int[] ids)
    {
        KvLayout layout = sequence.Pool.Layout;
        for (int position = sequence.Length; position < ids.Length; position++)
        {
            float[] row = [.. Enumerable.Repeat(Mark(ids.AsSpan(0, position + 1)), layout.HeadCount * layout.HeadLength)];
            fixed (float* values = row)
            {
                KvWriter.Store(sequence, 0, position, values, values);
                KvWriter.Store(sequence, 1, position, values, values);
            }
        }

        sequence.Advance(ids.Length - sequence.Length);
        sequence.Publish(ids);
    }

    private static void AssertHolds(KvSequence sequence, ReadOnlySpan<int> ids)
    {
        KvLayout layout = sequence.Pool.Layout;
        for (int position = 0; position < ids.Length; position++)
        {
            byte* page = sequence.Page(position / Page);
            float expected = Mark(ids[..(position + 1)]);
            int slot = position % Page;
            Assert.Equal(expected, ((float*)(page + layout.KeyOffset(0, 0)))[slot]);
            Assert.Equal(expected, ((float*)(page + layout.ValueOffset(1, 1)))[slot * layout.HeadLength]);
        }
    }

    private static float Mark(ReadOnlySpan<int> ids)
    {
        uint hash = 2166136261;
        foreach (int id in ids)
        {
            hash = (hash ^ (uint)id) * 16777619;
        }

        return hash >> 8; // 24 bits: exact in a float
    }
}
