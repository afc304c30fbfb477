using System.Text.Json;
using SmolCluster.Contracts;

namespace SmolCluster.Grains;

/// <summary>What an answer must keep to: the form that the request asks for, or, of its tools, those that must be called and the
/// schemas of strict ones.</summary>
internal static class AnswerBounds
{
    /// <returns>Null: it is free.</returns>
    /// <exception cref="ChatException">NotSupported: both at once.</exception>
    public static AnswerConstraint? Of(ChatRequest request)
    {
        var calls = request.Tools is { } tools ? Calls(tools) : null;
        return request.Constraint is null || calls is null ? request.Constraint ?? calls
            : throw new ChatException(ChatError.NotSupported, $"'{request.Constraint.Field}' together with strict tools or a required call is not supported: "
                + "an answer keeps to one of them. Send the request without one.");
    }

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
