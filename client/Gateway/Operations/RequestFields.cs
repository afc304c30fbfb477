using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace SmolCluster.Gateway.Operations;

/// <summary>On an endpoint that reads a JSON body by hand: which fields it reads, and a request to try it with.</summary>
internal sealed record RequestFields(IEnumerable<string> Names, string Example)
{
    private static readonly Dictionary<string, (JsonSchemaType Type, string What)> Known = new()
    {
        ["model"] = (JsonSchemaType.String, "Id of a model of GET /v1/models."),
        ["messages"] = (JsonSchemaType.Array, "The conversation so far, the last message being the one to answer."),
        ["input"] = (JsonSchemaType.String | JsonSchemaType.Array, "A user's text, or items of a conversation."),
        ["prompt"] = (JsonSchemaType.String | JsonSchemaType.Array, "Text to continue or to answer."),
        ["system"] = (JsonSchemaType.String | JsonSchemaType.Array, "What the model is told to be."),
        ["instructions"] = (JsonSchemaType.String, "What the model is told to be, for this response only."),
        ["stream"] = (JsonSchemaType.Boolean, "Whether the answer is sent while it comes."),
        ["temperature"] = (JsonSchemaType.Number, "0: always the likeliest token; up to 2."),
        ["top_p"] = (JsonSchemaType.Number, "Draws from the likeliest tokens that make up this share."),
        ["top_k"] = (JsonSchemaType.Integer, "Draws from so many of the likeliest tokens; 0: from all."),
        ["min_p"] = (JsonSchemaType.Number, "Draws from tokens at least this likely, relative to the likeliest."),
        ["seed"] = (JsonSchemaType.Integer, "The same request with the same seed has the same answer."),
        ["max_tokens"] = (JsonSchemaType.Integer, "Tokens of the answer at most."),
        ["max_completion_tokens"] = (JsonSchemaType.Integer, "The same as max_tokens."),
        ["max_output_tokens"] = (JsonSchemaType.Integer, "Tokens of the answer at most."),
        ["stop"] = (JsonSchemaType.String | JsonSchemaType.Array, "The answer ends before one of these texts."),
        ["stop_sequences"] = (JsonSchemaType.Array, "The answer ends before one of these texts."),
        ["tools"] = (JsonSchemaType.Array, "Functions that the model may call."),
        ["tool_choice"] = (JsonSchemaType.String | JsonSchemaType.Object, "Whether it must, or which one."),
        ["thinking"] = (JsonSchemaType.Object, "Whether and how much the model thinks before it answers."),
        ["think"] = (JsonSchemaType.Boolean | JsonSchemaType.String, "Whether the model thinks before it answers."),
        ["reasoning"] = (JsonSchemaType.Object, "How much the model thinks before it answers."),
        ["options"] = (JsonSchemaType.Object, "How to draw, how much, and where to stop."),
        ["metadata"] = (JsonSchemaType.Object, "Labels of the client's own."),
        ["previous_response_id"] = (JsonSchemaType.String, "The response that this one goes on from."),
        ["background"] = (JsonSchemaType.Boolean, "Whether it goes on without its client."),
        ["store"] = (JsonSchemaType.Boolean, "Whether it can be fetched later."),
        ["user"] = (JsonSchemaType.String, "Whose turn it is in the fair queue."),
        ["n"] = (JsonSchemaType.Integer, "How many answers."),
    };

    public OpenApiRequestBody ToBody() => new()
    {
        Required = true,
        Content = new Dictionary<string, OpenApiMediaType>
        {
            ["application/json"] = new()
            {
                Example = JsonNode.Parse(Example),
                Schema = new OpenApiSchema { Type = JsonSchemaType.Object, Properties = Names.Order(StringComparer.Ordinal).ToDictionary(name => name, name => (IOpenApiSchema)Field(name)) },
            },
        },
    };

    private static OpenApiSchema Field(string name) =>
        Known.TryGetValue(name, out var known) ? new() { Type = known.Type, Description = known.What } : new();
}
