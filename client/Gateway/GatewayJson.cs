using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Cluster;
using SmolCluster.Gateway.Completions;
using SmolCluster.Gateway.Conversations;
using SmolCluster.Gateway.Embeddings;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Health;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Tokens;

namespace SmolCluster.Gateway;

/// <summary>Writers of all responses, generated at build time. Text leaves as readable UTF-8: no response is ever put into HTML.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ErrorBody))]
[JsonSerializable(typeof(AnthropicErrorBody))]
[JsonSerializable(typeof(OllamaErrorBody))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(HealthReport))]
[JsonSerializable(typeof(ChatCompletion))]
[JsonSerializable(typeof(ChatCompletionChunk))]
[JsonSerializable(typeof(Completion))]
[JsonSerializable(typeof(EmbeddingList))]
[JsonSerializable(typeof(float[]))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(Tokenized))]
[JsonSerializable(typeof(Detokenized))]
[JsonSerializable(typeof(ConversationObject))]
[JsonSerializable(typeof(ConversationList))]
[JsonSerializable(typeof(DeletedConversation))]
[JsonSerializable(typeof(TurnEvent))]
[JsonSerializable(typeof(ClusterObject))]
internal sealed partial class GatewayJson : JsonSerializerContext
{
    static GatewayJson() =>
        Default = new(new JsonSerializerOptions(s_defaultOptions) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
