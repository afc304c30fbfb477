using System.Text.Json;
using SmolCluster.Engine.Sampling.Constraints.Json;

namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>
/// Answers with calls of tools in the form of SmolLM3's template, which Hermes and Qwen share:
/// <c>&lt;tool_call&gt;{"name": …, "arguments": {…}}&lt;/tool_call&gt;</c>, with a line feed within the marks or none. Arguments keep
/// to the tool's schema. Text may come before the first call unless a call is required; after a call come further calls or the end.
/// <para>The source is <c>{"tools": [{"name": …, "parameters": …}, …], "required": …, "parallel": …}</c>: parameters are a schema as a
/// string, or null for any object; whether a call must come, with no text but calls; whether several may.</para>
/// </summary>
internal static class ToolCallGrammar
{
    private const string Open = "<tool_call>", Close = "</tool_call>";

    public static Expression Compile(string source, FreeText free, JsonGrammar json, Matcher matcher)
    {
        using JsonDocument document = JsonDocument.Parse(source);
        Expression[] calls = [.. document.RootElement.GetProperty("tools").EnumerateArray().Select((tool, index) => Call(tool, index, json, matcher))];
        if (calls.Length == 0) throw new ConstraintException("There are no tools to call.");
        ExpressionPool pool = json.Pool;
        Expression line = pool.Optional(pool.Literal("\n"u8));
        Expression rest = pool.Sequence(line, pool.Choice(calls), line, free.Mark(Close));
        Expression call = pool.Sequence(free.Mark(Open), rest);
        int further = document.RootElement.GetProperty("parallel").GetBoolean() ? Expression.Unbounded : 0;
        Expression more = pool.Repeat(pool.Sequence(line, call), 0, further);
        return document.RootElement.GetProperty("required").GetBoolean() ? pool.Sequence(call, more)
            : free.Until(Open, mayEnd: true, pool.Sequence(rest, more));
    }

    private static Expression Call(JsonElement tool, int index, JsonGrammar json, Matcher matcher)
    {
        try
        {
            string? parameters = tool.GetProperty("parameters").GetString();
            Expression arguments = parameters is null ? json.AnyObject : SchemaGrammar.Compile(parameters, json, matcher);
            ExpressionPool pool = json.Pool;
            Expression name = json.Member(pool.Literal("\"name\""u8), pool.Literal(SchemaTexts.Literal(tool.GetProperty("name").GetString()!)));
            return json.Braces(false, pool.Sequence(name, json.Comma, json.Space, json.Member(pool.Literal("\"arguments\""u8), arguments)));
        }
        catch (ConstraintException problem)
        {
            throw new ConstraintException(problem.Message, $"[{index}].function.parameters{problem.Path}");
        }
    }
}
