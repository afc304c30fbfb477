using System.Text.Json;
using System.Text.Json.Nodes;

namespace SmolCluster.Gateway.Responses;

/// <summary>What a stored response needs beside its request: kept with it as JSON that the cluster does not read.</summary>
/// <param name="Echo">The fields of the request that every copy of the response repeats.</param>
/// <param name="Instructions">Messages at the front that are this response's instructions and not part of what follows: 0 or 1.</param>
/// <param name="Earlier">Messages after those that come from the responses before.</param>
internal sealed record ResponseNotes(JsonObject Echo, int Instructions, int Earlier, bool Background)
{
    public string ToJson() => new JsonObject
    {
        ["echo"] = Echo.DeepClone(),
        ["instructions"] = Instructions,
        ["earlier"] = Earlier,
        ["background"] = Background,
    }.ToJsonString();

    /// <exception cref="JsonException">Another version wrote it.</exception>
    public static ResponseNotes From(string json)
    {
        var notes = JsonNode.Parse(json)!.AsObject();
        return new(notes["echo"]!.AsObject(), (int)notes["instructions"]!, (int)notes["earlier"]!, (bool)notes["background"]!);
    }
}
