namespace SmolCluster.Contracts;

/// <summary>How far a reader is in an answer, and what it knows of it.</summary>
/// <param name="Number">Of the last event it has; 0: none.</param>
/// <param name="Tokens">All of the answer up to that event, in order; null: the reader has the text only, and the
/// conversation's own record has to do.</param>
/// <param name="CachedTokens">What <see cref="PrefillStarted"/> said, if it was seen.</param>
/// <param name="Identity">What <see cref="AnswerStarted"/> said, if it was seen: nobody else may go on.</param>
/// <param name="Reader">The same for all attempts of one reader; empty: it makes one only.</param>
/// <param name="Attempt">Counts them. Calls of a busy cluster may overtake each other, and an earlier attempt, which its reader has
/// left, must not take the answer over from a later one.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.AnswerCursor")]
public sealed record AnswerCursor(
    [property: Id(0)] long Number,
    [property: Id(1)] IReadOnlyList<int>? Tokens = null,
    [property: Id(2)] int? CachedTokens = null,
    [property: Id(3)] string? Identity = null,
    [property: Id(4)] Guid Reader = default,
    [property: Id(5)] int Attempt = 0);
