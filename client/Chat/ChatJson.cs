using System.Text.Json;
using Microsoft.Extensions.AI;

namespace SmolCluster.Chat;

/// <summary>JSON as models are taught it: Microsoft.Extensions.AI's, without the line feeds that it has for people.</summary>
internal static class ChatJson
{
    public static JsonSerializerOptions Options { get; } = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };
}
