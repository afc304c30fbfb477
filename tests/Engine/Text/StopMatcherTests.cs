using System.Text;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Tests.Text;

public sealed class StopMatcherTests
{
    [Fact]
    public void Append_NoStops_PassesEverything()
    {
        StopMatcher matcher = new([]);
        Assert.Equal("abc", matcher.Append("abc"));
        Assert.Equal("", matcher.Flush());
        Assert.False(matcher.Stopped);
    }

    [Fact]
    public void Append_StopAcrossChunks_CutsBeforeIt()
    {
        StopMatcher matcher = new(["END"]);
        Assert.Equal("a", matcher.Append("aE"));
        Assert.Equal("", matcher.Append("N"));
        Assert.Equal("", matcher.Append("D b"));
        Assert.True(matcher.Stopped);
        Assert.Equal("", matcher.Append("more"));
        Assert.Equal("", matcher.Flush());
    }

    [Fact]
    public void Append_HopeDisappointed_ReleasesWhatWasHeld()
    {
        StopMatcher matcher = new(["aab"]);
        Assert.Equal("", matcher.Append("aa"));
        Assert.Equal("a", matcher.Append("a"));
        Assert.Equal("aac", matcher.Append("c"));
        Assert.Equal("x", matcher.Append("xa"));
        Assert.Equal("a", matcher.Flush());
        Assert.False(matcher.Stopped);
    }

    [Fact]
    public void Append_TwoStopsEndTogether_TheLongerIsCut()
    {
        StopMatcher matcher = new(["c", "abc"]);
        Assert.Equal("x", matcher.Append("xabc"));
        Assert.True(matcher.Stopped);
    }

    [Fact]
    public void Append_OneStopEndsInsideAnother_TheFirstToEndCounts()
    {
        StopMatcher matcher = new(["abcd", "b"]);
        Assert.Equal("a", matcher.Append("abcd"));
        Assert.True(matcher.Stopped);
    }

    [Fact]
    public void Constructor_EmptyOrBrokenStop_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => new StopMatcher(["a", ""]));
        Assert.Throws<ArgumentException>(() => new StopMatcher([null!]));
        Assert.Throws<ArgumentException>(() => new StopMatcher(["a\uD83D"]));
        Assert.Equal("", new StopMatcher(["😀"]).Append("😀"));
    }

    /// <summary>Small alphabets make overlaps; the reference looks at the whole text after each character.</summary>
    [Fact]
    public void Append_RandomTextAndSplits_EqualsTheDefinition()
    {
        Random random = new(5);
        string Letters(int length) => new([.. Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(2)))]);
        for (int round = 0; round < 5000; round++)
        {
            string[] stops = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Letters(random.Next(1, 6)))];
            string text = Letters(random.Next(30));
            StopMatcher matcher = new(stops);
            StringBuilder shown = new();
            for (int at = 0; at < text.Length;)
            {
                int length = Math.Min(random.Next(1, 5), text.Length - at);
                shown.Append(matcher.Append(text.Substring(at, length)));
                at += length;
                if (!matcher.Stopped) Assert.Equal(text[..(at - Held(text[..at], stops))], shown.ToString());
            }
            shown.Append(matcher.Flush());
            Assert.Equal(Cut(text, stops, out bool stopped), shown.ToString());
            Assert.Equal(stopped, matcher.Stopped);
        }
    }

    private static int Held(string text, string[] stops) => Enumerable.Range(0, text.Length + 1).Last(length =>
        length == 0 || stops.Any(stop => length < stop.Length && stop.StartsWith(text[^length..], StringComparison.Ordinal)));

    private static string Cut(string text, string[] stops, out bool stopped)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            string[] ending = [.. stops.Where(stop => text[..end].EndsWith(stop, StringComparison.Ordinal))];
            stopped = ending.Length > 0;
            if (stopped) return text[..(end - ending.Max(stop => stop.Length))];
        }
        stopped = false;
        return text;
    }
}
