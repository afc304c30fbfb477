using System.Text.Json.Nodes;

namespace SmolCluster.Contracts;

/// <summary>What an answer must keep to, as the client wrote it: whoever goes on with the answer compiles it again to the same.</summary>
/// <param name="Text">A schema, regular expression or GBNF grammar; of a choice a JSON array of strings; of JSON empty; of tool calls
/// what <see cref="ForTools"/> makes.</param>
/// <param name="Field">The request's field that it came from, such as response_format.json_schema.schema, for errors.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.AnswerConstraint")]
public sealed record AnswerConstraint(
    [property: Id(0)] AnswerConstraintKind Kind,
    [property: Id(1)] string Text,
    [property: Id(2)] string Field)
{
    /// <summary>Calls of tools in the form <c>&lt;tool_call&gt;{"name": …, "arguments": {…}}&lt;/tool_call&gt;</c>, as SmolLM3's template
    /// has them, with arguments by the tools' schemas. Of tools whose calls are not strict, leave the schema out.</summary>
    /// <param name="tools">Names, and the JSON schema of the arguments; null: any object.</param>
    /// <param name="required">A call must come, and no text but calls; else any text may come, and calls after it.</param>
    /// <param name="parallel">More than one call may come.</param>
    public static AnswerConstraint ForTools(IEnumerable<(string Name, string? Parameters)> tools, bool required, bool parallel) =>
        new(AnswerConstraintKind.ToolCalls, new JsonObject
        {
            ["required"] = required,
            ["parallel"] = parallel,
            ["tools"] = new JsonArray([.. tools.Select(static tool => new JsonObject { ["name"] = tool.Name, ["parameters"] = tool.Parameters })]),
        }.ToJsonString(), "tools");
}

/// <summary>The languages of constraints.</summary>
[GenerateSerializer, Alias("SmolCluster.AnswerConstraintKind")]
public enum AnswerConstraintKind
{
    /// <summary>Any JSON object.</summary>
    Json,
    /// <summary>JSON by a schema.</summary>
    JsonSchema,
    /// <summary>A regular expression that the whole answer matches.</summary>
    Regex,
    /// <summary>A grammar in llama.cpp's GBNF.</summary>
    Grammar,
    /// <summary>One of a list of texts.</summary>
    Choice,
    /// <summary>Text with calls of tools, or calls alone.</summary>
    ToolCalls,
}
