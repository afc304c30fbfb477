using System.Text;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Tests.Text;

public sealed class DetokenizerTests
{
    [Fact]
    public void Append_BytesOfAnEmoji_ShowsItWithItsLastByte()
    {
        Detokenizer detokenizer = new();
        byte[] bytes = "😀"u8.ToArray();
        Assert.Equal("", detokenizer.Append(bytes.AsSpan(0, 1)));
        Assert.Equal("", detokenizer.Append(bytes.AsSpan(1, 2)));
        Assert.Equal("😀", detokenizer.Append(bytes.AsSpan(3)));
        Assert.Equal("", detokenizer.Flush());
    }

    [Fact]
    public void Flush_UnfinishedCharacter_IsOneReplacement()
    {
        Detokenizer detokenizer = new();
        Assert.Equal("a", detokenizer.Append([(byte)'a', 0xF0, 0x9F, 0x98]));
        Assert.Equal("\uFFFD", detokenizer.Flush());
        Assert.Equal("b", detokenizer.Append("b"u8));
    }

    [Fact]
    public void Append_CharacterBrokenByAnother_ReplacesAndGoesOn()
    {
        Detokenizer detokenizer = new();
        Assert.Equal("", detokenizer.Append([0xE2, 0x82]));
        Assert.Equal("\uFFFDA", detokenizer.Append("A"u8));
    }

    [Fact]
    public void Append_AnyBytesAnySplit_JoinsToTheWholeDecoded()
    {
        Random random = new(4);
        byte[][] pieces = [.. new[] { "é", "€", "😀", "x", "\uFFFD" }.Select(Encoding.UTF8.GetBytes), [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90], [0xE2, 0x82]];
        for (int round = 0; round < 5000; round++)
        {
            byte[] bytes = [.. Enumerable.Range(0, random.Next(12)).SelectMany(_ => pieces[random.Next(pieces.Length)])];
            if (round % 2 == 0) random.NextBytes(bytes.AsSpan(0, bytes.Length / 2));
            Detokenizer detokenizer = new();
            StringBuilder joined = new();
            for (int at = 0; at < bytes.Length;)
            {
                int length = Math.Min(random.Next(4), bytes.Length - at);
                string part = detokenizer.Append(bytes.AsSpan(at, length));
                Assert.False(part.Length > 0 && (char.IsLowSurrogate(part[0]) || char.IsHighSurrogate(part[^1])));
                joined.Append(part);
                at += length;
            }
            joined.Append(detokenizer.Flush());
            Assert.Equal(Encoding.UTF8.GetString(bytes), joined.ToString());
        }
    }
}
