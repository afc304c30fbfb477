using System.Text.Json;
using SmolCluster.Contracts;

namespace SmolCluster.Answering;

/// <summary>What an answer must keep to: the form that the request asks for, or, of its tools, those that must be called and the
/// schemas of strict ones.</summary>
internal static class AnswerBounds
{
    /// <returns>Null: it is free.</returns>
    /// <exception cref="ChatException">NotSupported: both at once, or one with a least length.</exception>
    public static AnswerConstraint? Of(ChatRequest request)
    {
        var calls = request.Tools is { } tools ? Calls(tools) : null;
        if (request.Constraint is { } asked && calls is not null)
            throw Not(asked.Field, "strict tools or a required call: an answer keeps to one of them");
        var bound = request.Constraint ?? calls;
        return bound is null || request.MinTokens == 0 ? bound
            : throw Not("min_tokens", $"'{bound.Field}': where it allows only the end, no token would be left");
    }

    private static ChatException Not(string field, string together) =>
        new(ChatError.NotSupported, $"'{field}' is not supported together with {together}. Send the request without one of them.") { Field = field };

    private static AnswerConstraint? Calls(ToolSettings settings)
    {
        using var tools = JsonDocument.Parse(settings.Json);
        (string Name, string? Schema)[] callable = [.. tools.RootElement.EnumerateArray().Select(static tool => tool.GetProperty("function"))
            .Select(static function => (Name: function.GetProperty("name").GetString()!, Schema: StrictSchema(function)))
            .Where(function => settings.Function is null || function.Name == settings.Function)];
        bool required = settings.Choice != ToolChoice.Auto;
        return required || callable.Any(static function => function.Schema is not null)
            ? AnswerConstraint.ForTools(callable, required, settings.Parallel && settings.Choice != ToolChoice.Named)
            : null;
    }

    // of a strict function without parameters: no arguments
    private static string? StrictSchema(JsonElement function) =>
        !function.TryGetProperty("strict", out var strict) || strict.ValueKind != JsonValueKind.True ? null
        : function.TryGetProperty("parameters", out var schema) && schema.ValueKind == JsonValueKind.Object ? schema.GetRawText()
        : """{"type":"object","additionalProperties":false}""";
}
