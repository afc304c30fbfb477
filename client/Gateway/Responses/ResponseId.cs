namespace SmolCluster.Gateway.Responses;

/// <summary>Ids of stored responses; each is its conversation's key.</summary>
internal static class ResponseId
{
    private const string Prefix = "resp_";

    public static string New() => $"{Prefix}{Guid.NewGuid():N}";

    public static bool Is(string text) => text.Length == Prefix.Length + 32 && text.StartsWith(Prefix, StringComparison.Ordinal)
        && text[Prefix.Length..].All(char.IsAsciiHexDigitLower);

    /// <summary>The response's id for an answer that is not stored.</summary>
    public static string Of(string answer) => Is(answer) ? answer : Prefix + answer[(answer.IndexOf('-') + 1)..];

    /// <param name="kind">rs, msg or fc.</param>
    /// <param name="index">Of the item in the response's output.</param>
    public static string Item(string kind, string response, int index) => $"{kind}_{response[Prefix.Length..]}{index}";
}
