namespace SmolCluster.Contracts;

/// <summary>Ids of answers to plain requests: conversations that end with their answer.</summary>
public static class AnswerId
{
    private const string Prefix = "chatcmpl-";

    public static string New() => $"{Prefix}{Guid.NewGuid():N}";

    public static bool Is(string conversation) => conversation.StartsWith(Prefix, StringComparison.Ordinal);
}
