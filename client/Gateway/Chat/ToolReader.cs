using System.Collections.Frozen;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Reads "tools", "tool_choice" and "parallel_tool_calls". With the choice "none" the model is not told of the tools.</summary>
internal static class ToolReader
{
    private const int MostTools = 128;
    private const int LongestName = 64;

    private static readonly FrozenSet<string> Fields = new[] { "type", "function" }.ToFrozenSet();
    private static readonly FrozenSet<string> FunctionFields = new[] { "name", "description", "parameters", "strict" }.ToFrozenSet();

    public static ToolSettings? Read(RequestObject request)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        bool parallel = request.Boolean("parallel_tool_calls") ?? true;
        var tools = request.Find("tools");
        if (tools is { } given)
            ReadTools(given, names);
        var (choice, function) = ReadChoice(request, names);
        return choice is { } wanted && names.Count > 0 ? new(tools!.Value.GetRawText(), wanted, function, parallel) : null;
    }

    private static void ReadTools(JsonElement tools, HashSet<string> names)
    {
        if (tools.ValueKind != JsonValueKind.Array)
            throw RequestObject.WrongType("tools", "an array of tools", tools);
        if (tools.GetArrayLength() > MostTools)
            throw RequestObject.Refuse("tools", "array_above_max_length", $"Invalid 'tools': {tools.GetArrayLength()} tools, but at most {MostTools} are possible.");
        int index = 0;
        foreach (var tool in tools.EnumerateArray())
            ReadTool(new(tool, $"tools[{index++}]"), names);
    }

    private static void ReadTool(RequestObject tool, HashSet<string> names)
    {
        tool.RequireFunctionType();
        tool.RefuseUnknown(Fields);
        var function = new RequestObject(tool.Require("function"), tool.PathOf("function"));
        function.RefuseUnknown(FunctionFields);
        string path = function.PathOf("name");
        string name = RequestObject.Text(function.Require("name"), path, LongestName);
        if (name.Length == 0 || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-'))
            throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': a name has 1 to {LongestName} letters, digits, '_' and '-'.");
        if (!names.Add(name))
            throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': there is a function '{name}' already.");
        function.Text("description", int.MaxValue);
        if (function.Find("parameters") is { } parameters && parameters.ValueKind != JsonValueKind.Object)
            throw RequestObject.WrongType(function.PathOf("parameters"), "a JSON schema, an object", parameters);
        function.Boolean("strict");
    }

    /// <returns>Null: no call, and the model is not told of the tools.</returns>
    private static (ToolChoice? Choice, string? Function) ReadChoice(RequestObject request, HashSet<string> names)
    {
        if (request.Find("tool_choice") is not { } choice)
            return (ToolChoice.Auto, null);
        if (choice.ValueKind == JsonValueKind.Object)
            return (ToolChoice.Named, ReadNamed(new(choice, "tool_choice"), names));
        if (choice.ValueKind != JsonValueKind.String)
            throw RequestObject.WrongType("tool_choice", "'none', 'auto', 'required' or a function by name", choice);
        return choice.GetString() switch
        {
            "required" when names.Count == 0 => throw RequestObject.Refuse("tool_choice", "invalid_value",
                "Invalid 'tool_choice': a call is required, but there are no tools."),
            "required" => (ToolChoice.Required, null),
            "none" => (null, null),
            "auto" => (ToolChoice.Auto, null),
            _ => throw RequestObject.Refuse("tool_choice", "invalid_value", $"Invalid 'tool_choice': {RequestObject.Shorten(choice)}; "
                + "expected 'none', 'auto', 'required' or a function by name."),
        };
    }

    private static string ReadNamed(RequestObject choice, HashSet<string> names)
    {
        choice.RequireFunctionType();
        var function = new RequestObject(choice.Require("function"), "tool_choice.function");
        string name = RequestObject.Text(function.Require("name"), "tool_choice.function.name", LongestName);
        if (!names.Contains(name))
            throw RequestObject.Refuse("tool_choice.function.name", "invalid_value", $"Invalid 'tool_choice': there is no function '{name}' among the tools.");
        return name;
    }
}
