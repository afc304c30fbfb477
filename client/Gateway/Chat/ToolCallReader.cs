using System.Collections.Frozen;
using System.Text.Json;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Reads the "tool_calls" of an assistant's message, as an answer gave them.</summary>
internal static class ToolCallReader
{
    private const int MostCalls = 128;
    private const int LongestName = 256;

    private static readonly FrozenSet<string> Fields = new[] { "id", "type", "function", "index" }.ToFrozenSet();
    private static readonly FrozenSet<string> FunctionFields = new[] { "name", "arguments" }.ToFrozenSet();

    public static IReadOnlyList<ToolCall> Read(RequestObject message)
    {
        if (message.Find("tool_calls") is not { } calls)
            return [];
        string path = message.PathOf("tool_calls");
        if (calls.ValueKind != JsonValueKind.Array)
            throw RequestObject.WrongType(path, "an array of tool calls", calls);
        if (calls.GetArrayLength() > MostCalls)
            throw RequestObject.Refuse(path, "array_above_max_length", $"Invalid '{path}': {calls.GetArrayLength()} calls, but at most {MostCalls} are possible.");
        return [.. calls.EnumerateArray().Select((call, index) => ReadCall(new(call, $"{path}[{index}]")))];
    }

    private static ToolCall ReadCall(RequestObject call)
    {
        call.RefuseUnknown(Fields);
        call.RequireFunctionType();
        string id = RequestObject.Text(call.Require("id"), call.PathOf("id"), LongestName);
        var function = new RequestObject(call.Require("function"), call.PathOf("function"));
        function.RefuseUnknown(FunctionFields);
        return new(id, RequestObject.Text(function.Require("name"), function.PathOf("name"), LongestName),
            RequestObject.Text(function.Require("arguments"), function.PathOf("arguments")));
    }

    /// <exception cref="Errors.ApiException">400: its type is there and is another.</exception>
    public static void RequireFunctionType(this RequestObject item)
    {
        if (item.Find("type") is { } type && RequestObject.Text(type, item.PathOf("type")) != "function")
            throw RequestObject.Refuse(item.PathOf("type"), "unsupported_parameter",
                $"Invalid '{item.PathOf("type")}': {RequestObject.Shorten(type)}; only 'function' is supported.");
    }
}
