namespace SmolCluster.Grains.HandingOver;

/// <summary>Whether an answer's keys and values move to the silo that goes on with it, or are computed there again. Pure, so
/// that the decision can be read and tested in one place.</summary>
public static class HandOverChoice
{
    /// <summary>Bytes of a message's pages at most. Orleans drops messages of over 100 MB without a word; far below, one message
    /// also does not keep signs of life waiting.</summary>
    public const int MessageBytes = 16 << 20;

    /// <summary>Bytes a second between silos that have not sent each other anything yet: what gigabit Ethernet carries.</summary>
    public const double AssumedBytesPerSecond = 1e8;

    /// <summary>Pages of a message; 0: one page alone is too large, and its text is computed again.</summary>
    public static int PagesOfAMessage(long pageBytes) => (int)(MessageBytes / pageBytes);

    /// <param name="pageBytes">Of <paramref name="pageTokens"/> tokens.</param>
    /// <param name="bytesPerSecond">As the last messages went.</param>
    /// <param name="prefillSecondsPerToken">As the last prompts went on this silo, for want of knowing the other's; null: none did.</param>
    public static bool MovingPays(long pageBytes, int pageTokens, double bytesPerSecond, double? prefillSecondsPerToken) =>
        prefillSecondsPerToken is not { } seconds || pageBytes / bytesPerSecond < pageTokens * seconds;
}
