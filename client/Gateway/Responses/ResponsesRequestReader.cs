using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Responses;

/// <summary>Turns the body of POST /v1/responses into a <see cref="ResponseDraft"/>, or refuses it naming the field.</summary>
internal static class ResponsesRequestReader
{
    private const int LongestName = 256;

    /// <summary>Of the request, repeated by the response, with what OpenAI says where it is absent.</summary>
    private static readonly (string Name, Func<JsonNode?> Default)[] Echoed =
    [
        ("instructions", () => null), ("max_output_tokens", () => null), ("model", () => null), ("parallel_tool_calls", () => true),
        ("previous_response_id", () => null), ("reasoning", () => new JsonObject { ["effort"] = null, ["summary"] = null }), ("store", () => true),
        ("temperature", () => 0.6), ("text", () => new JsonObject { ["format"] = new JsonObject { ["type"] = "text" } }), ("tool_choice", () => "auto"),
        ("tools", () => new JsonArray()), ("top_p", () => 0.95), ("truncation", () => "disabled"), ("user", () => null), ("metadata", () => new JsonObject()),
    ];

    /// <summary>"seed" is ours: the same request with the same seed has the same answer.</summary>
    public static readonly FrozenSet<string> Known = Echoed.Select(field => field.Name).Concat(
    [
        "input", "stream", "background", "seed", "include", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "stream_options",
    ]).ToFrozenSet();

    private static readonly FrozenSet<string> ToolFields = new[] { "type", "name", "description", "parameters", "strict" }.ToFrozenSet();
    private static readonly FrozenSet<string> FormatFields = new[] { "type", "name", "description", "schema", "strict" }.ToFrozenSet();
    private static readonly FrozenSet<string> TextFields = new[] { "format", "verbosity" }.ToFrozenSet();
    private static readonly FrozenSet<string> ReasoningFields = new[] { "effort", "summary", "generate_summary" }.ToFrozenSet();

    /// <param name="queueUser">Whose turn it is in the fair queue, from the user that the request names, if it does.</param>
    /// <exception cref="Errors.ApiException">400: the first thing that is wrong.</exception>
    public static ResponseDraft Read(JsonElement body, Func<string?, string> queueUser, DateTimeOffset now)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(Known);
        RefuseEmptyPromises(request);
        string model = RequestObject.Text(request.Require("model"), "model", LongestName);
        bool store = request.Boolean("store") ?? true, background = request.Boolean("background") ?? false;
        if (background && !store)
            throw RequestObject.Refuse("background", "invalid_value", "Invalid 'background': a response that is not stored cannot be fetched later. Leave 'store' true.");
        var chat = new ChatRequest(model, InputItems.Read(request), SamplingReader.Read(request), (int?)request.Integer("max_output_tokens", 1, int.MaxValue), [], null,
            queueUser(request.Text("user", LongestName)), Keep.Nothing, now)
        {
            Tools = ReadTools(request),
            Constraint = ReadFormat(request),
            Thinking = ReadReasoning(request),
            TruncatePrompt = request.Text("truncation", LongestName) switch
            {
                null or "disabled" => false,
                "auto" => true,
                var other => throw RequestObject.Refuse("truncation", "invalid_value", $"Invalid 'truncation': '{other}'; expected 'auto' or 'disabled'."),
            },
        };
        return new(chat, request.Text("instructions", int.MaxValue), request.Text("previous_response_id", LongestName), store, background,
            request.Boolean("stream") ?? false, Echo(request));
    }

    /// <summary>What would promise more than is done.</summary>
    private static void RefuseEmptyPromises(RequestObject request)
    {
        if (request.Find("include") is { } include && !(include.ValueKind == JsonValueKind.Array && include.GetArrayLength() == 0))
            throw Unsupported("include");
        if (request.Find("text") is { } value)
        {
            var text = new RequestObject(value, "text");
            text.RefuseUnknown(TextFields);
            if (text.Text("verbosity", LongestName) is not (null or "medium"))
                throw Unsupported("text.verbosity");
        }
        if (request.Find("metadata") is { } metadata && (new RequestObject(metadata, "metadata").Names.Count() > 16 || metadata.GetRawText().Length > 16 * 1024))
            throw RequestObject.Refuse("metadata", "object_above_max_properties", "Invalid 'metadata': at most 16 entries and 16 KiB are possible.");
    }

    private static AnswerConstraint? ReadFormat(RequestObject request)
    {
        if (request.Find("text") is not { } text || new RequestObject(text, "text").Find("format") is not { } value)
            return null;
        var format = new RequestObject(value, "text.format");
        format.RefuseUnknown(FormatFields);
        return RequestObject.Text(format.Require("type"), "text.format.type") switch
        {
            "text" => null,
            "json_object" => new(AnswerConstraintKind.Json, "", "text.format.type"),
            "json_schema" => ConstraintReader.ReadSchema(format, "schema"),
            _ => throw RequestObject.Refuse("text.format.type", "invalid_value",
                $"Invalid 'text.format.type': {RequestObject.Shorten(format.Require("type"))}; expected 'text', 'json_object' or 'json_schema'."),
        };
    }

    private static ThinkingSettings ReadReasoning(RequestObject request)
    {
        if (request.Find("reasoning") is not { } value)
            return new();
        var reasoning = new RequestObject(value, "reasoning");
        reasoning.RefuseUnknown(ReasoningFields);
        var thinking = ThinkingReader.Of(reasoning.Text("effort", LongestName), "reasoning.effort");
        return thinking.Effort is null or "none" ? thinking : thinking with { Enabled = true };
    }

    /// <summary>In the form of chat completions, as everything behind the gateway knows them.</summary>
    private static ToolSettings? ReadTools(RequestObject request)
    {
        var chat = new JsonObject { ["parallel_tool_calls"] = request.Boolean("parallel_tool_calls") };
        if (request.Find("tools") is { } value)
        {
            if (value.ValueKind != JsonValueKind.Array)
                throw RequestObject.WrongType("tools", "an array of tools", value);
            chat["tools"] = new JsonArray([.. value.EnumerateArray().Select((tool, index) => ReadTool(new(tool, $"tools[{index}]")))]);
        }
        if (request.Find("tool_choice") is { } choice)
            chat["tool_choice"] = choice.ValueKind == JsonValueKind.Object ? ReadNamed(new(choice, "tool_choice")) : JsonNode.Parse(choice.GetRawText());
        return ToolReader.Read(new(JsonElement.Parse(chat.ToJsonString())));
    }

    private static JsonObject ReadTool(RequestObject tool)
    {
        if (RequestObject.Text(tool.Require("type"), tool.PathOf("type")) != "function")
            throw RequestObject.Refuse(tool.PathOf("type"), "unsupported_parameter",
                $"'{tool.PathOf("type")}' is {RequestObject.Shorten(tool.Require("type"))}: tools that run at the server are not here. Send tools of type 'function'.");
        tool.RefuseUnknown(ToolFields);
        var function = new JsonObject { ["name"] = RequestObject.Text(tool.Require("name"), tool.PathOf("name")) };
        foreach (string name in new[] { "description", "parameters", "strict" })
            if (tool.Find(name) is { } field)
                function[name] = JsonNode.Parse(field.GetRawText());
        return new() { ["type"] = "function", ["function"] = function };
    }

    private static JsonObject ReadNamed(RequestObject choice)
    {
        if (RequestObject.Text(choice.Require("type"), "tool_choice.type") != "function")
            throw Unsupported("tool_choice.type");
        return new() { ["type"] = "function", ["function"] = new JsonObject { ["name"] = RequestObject.Text(choice.Require("name"), "tool_choice.name") } };
    }

    private static JsonObject Echo(RequestObject request)
    {
        var echo = new JsonObject();
        foreach (var (name, otherwise) in Echoed)
            echo[name] = request.Find(name) is { } value ? JsonNode.Parse(value.GetRawText()) : otherwise();
        return echo;
    }

    private static Errors.ApiException Unsupported(string name) => RequestObject.Refuse(name, "unsupported_parameter",
        $"'{name}' is not supported yet, and leaving it out would change the answer. Send the request without it.");
}
