using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

public sealed class PromptLookupTests
{
    [Fact]
    public void Find_LastTokensStoodBefore_IsThePlaceAfterTheirLatestOccurrence()
    {
        var lookup = new PromptLookup();
        Assert.Equal(8, lookup.Find([1, 2, 3, 4, 9, 1, 2, 3, 5, 6, 1, 2, 3]));
    }

    [Fact]
    public void Find_FewerTokensThanARunOrNoneBefore_IsNone()
    {
        foreach (int[] tokens in (int[][])[[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 9, 2, 3]])
        {
            Assert.Equal(0, new PromptLookup().Find(tokens));
        }
    }

    [Fact]
    public void Find_OneTokenOverAndOver_IsThePlaceBeforeTheEnd() => Assert.Equal(4, new PromptLookup().Find([7, 7, 7, 7, 7]));

    [Fact]
    public void Find_TokenAfterToken_SameAsAtOnce()
    {
        int[] tokens = [.. new Random(4).GetItems([1, 2, 3, 4, 5], 3000)];
        var growing = new PromptLookup();
        int found = 0;
        for (int count = 1; count <= tokens.Length; count++)
        {
            int at = growing.Find(tokens.AsSpan(0, count));
            if (at == 0)
            {
                continue;
            }

            found++;
            Assert.InRange(at, PromptLookup.Match, count - 1);
            Assert.Equal(tokens[(count - PromptLookup.Match)..count], tokens[(at - PromptLookup.Match)..at]);
            if (count % 100 == 0)
            {
                Assert.Equal(at, new PromptLookup().Find(tokens.AsSpan(0, count)));
            }
        }

        Assert.InRange(found, 2500, tokens.Length); // 125 runs, 3000 places
    }

    [Fact]
    public void Find_MoreTokensThanTheTableHas_FindsWhatIsThereAndNothingElse()
    {
        // 200,000 tokens, of which the last 1000 stood 50,000 before the end
        int[] tokens = [.. Enumerable.Range(0, 200_000)];
        tokens.AsSpan(150_000, 1000).CopyTo(tokens.AsSpan(199_000));
        var lookup = new PromptLookup();
        int found = 0;
        for (int count = 199_000 + PromptLookup.Match; count <= tokens.Length; count++)
        {
            int at = lookup.Find(tokens.AsSpan(0, count));
            Assert.True(at == 0 || at == count - 49_000, $"{count}: {at}");
            found += at == 0 ? 0 : 1;
        }

        Assert.InRange(found, 1, 1000);
    }

    [Fact]
    public void Reach_FewComeTrueOrMore_IsTheLongestElseFew()
    {
        var lookup = new PromptLookup();
        Assert.Equal(PromptLookup.Few, lookup.Reach(100));
        lookup.Learn(PromptLookup.Few, 100);
        Assert.Equal(PromptLookup.Longest, lookup.Reach(100));
        lookup.Learn(PromptLookup.Few, 100);
        Assert.Equal(PromptLookup.Longest, lookup.Reach(100));
        lookup.Learn(PromptLookup.Few - 1, 100);
        Assert.Equal(PromptLookup.Few, lookup.Reach(100));
    }

    [Fact]
    public void Reach_DraftsAreWrong_PausesLongerAndLonger()
    {
        var lookup = new PromptLookup();
        int count = 10, drafts = 0;
        for (; count < 10_010; count++)
        {
            if (lookup.Reach(count) > 0)
            {
                drafts++;
                lookup.Learn(0, count + 1);
            }
        }

        Assert.InRange(drafts, 100, 330);
        lookup.Learn(1, count);
        Assert.InRange(lookup.Reach(count), 1, PromptLookup.Longest);
    }
}
