using SmolCluster.Contracts;

namespace SmolCluster.Chaos;

/// <summary>Turns of a conversation with a name, each asked with all that was said before.</summary>
internal sealed class NamedConversation(string name, int seed)
{
    private static readonly string[] Questions = ["What is a silo?", "And what is a grain?", "Erzähl mir mehr davon 🙂."];

    private readonly List<ChatMessage> said = [];

    /// <summary>The next turn's text, and its tokens.</summary>
    public async Task<string> NextTurnAsync(ClusterClient client, CancellationToken cancellation)
    {
        said.Add(new("user", Questions[said.Count / 2 % Questions.Length]));
        var request = new ChatRequest("smolcluster-demo", [.. said], new SamplingSettings { Temperature = 1.2f, TopP = 1, Seed = (ulong)(seed + said.Count) },
            60, ["zebra crossing"], null, "chaos", Keep.Always, DateTimeOffset.UnixEpoch);
        var deltas = (await client.AskAsync(name, request, cancellation)).OfType<TextDelta>().ToList();
        said.Add(new("assistant", string.Concat(deltas.Select(delta => delta.Text))));
        return $"{said[^1].Content} [{string.Join(' ', deltas.SelectMany(delta => delta.Tokens))}]";
    }

    /// <summary>Whether the cluster still has the last turn.</summary>
    public async Task<bool> IsKeptAsync(ClusterClient client) =>
        await client.Conversation(name).Read() is { FinishReason: not null } kept && kept.Text == said[^1].Content;
}
