using System.Text.Json.Nodes;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Responses;

/// <summary>A validated request for a response, without what came before it.</summary>
/// <param name="Request">Its messages are its own input.</param>
/// <param name="Previous">Id of the response that it goes on from, or null.</param>
internal sealed record ResponseDraft(ChatRequest Request, string? Instructions, string? Previous, bool Store, bool Background, bool Stream, JsonObject Echo)
{
    /// <summary>With the messages of the responses before, their instructions left out, as OpenAI does it.</summary>
    public (ChatRequest Request, ResponseNotes Notes) After(IReadOnlyList<ChatMessage> earlier)
    {
        ChatMessage[] instructions = Instructions is { Length: > 0 } text ? [new("system", text)] : [];
        var notes = new ResponseNotes(Echo, instructions.Length, earlier.Count, Background);
        return (Request with
        {
            Messages = [.. instructions, .. earlier, .. Request.Messages],
            Keep = Store ? Keep.Always : Keep.Nothing,
            Notes = Store ? notes.ToJson() : null,
        }, notes);
    }
}
