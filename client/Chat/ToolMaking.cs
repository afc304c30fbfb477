using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using SmolCluster.Contracts;

namespace SmolCluster.Chat;

/// <summary>From functions to what a model is told of them.</summary>
internal static class ToolMaking
{
    /// <returns>Null: the model is told of no tools.</returns>
    /// <exception cref="NotSupportedException">A tool is no function.</exception>
    /// <exception cref="ArgumentException">Two functions of one name, or a required one that is not there.</exception>
    public static ToolSettings? Of(ChatOptions options)
    {
        if (options.Tools is not { Count: > 0 } tools || options.ToolMode is NoneChatToolMode) return null;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var json = new JsonArray();
        foreach (var tool in tools)
        {
            if (tool is not AIFunctionDeclaration function)
                throw new NotSupportedException($"ChatOptions.Tools has a {tool.GetType().Name}; this client knows functions.");
            if (!names.Add(function.Name))
                throw new ArgumentException($"ChatOptions.Tools has two functions '{function.Name}'.", nameof(options));
            json.Add(Describe(function));
        }
        string? required = (options.ToolMode as RequiredChatToolMode)?.RequiredFunctionName;
        if (required is not null && !names.Contains(required))
            throw new ArgumentException($"ChatOptions.ToolMode requires '{required}', which is not among the tools.", nameof(options));
        var choice = required is not null ? ToolChoice.Named : options.ToolMode is RequiredChatToolMode ? ToolChoice.Required : ToolChoice.Auto;
        return new(json.ToJsonString(ChatJson.Options), choice, required, options.AllowMultipleToolCalls ?? true);
    }

    private static JsonObject Describe(AIFunctionDeclaration function)
    {
        var described = new JsonObject { ["name"] = function.Name, ["description"] = function.Description };
        if (function.JsonSchema.ValueKind == JsonValueKind.Object) described["parameters"] = JsonNode.Parse(function.JsonSchema.GetRawText());
        if (function.AdditionalProperties.TryGetValue("strict", out object? strict) && strict is true) described["strict"] = true;
        return new JsonObject { ["type"] = "function", ["function"] = described };
    }
}
