using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Anthropic;

/// <summary>Turns the body of POST /v1/messages into a <see cref="ChatCall"/>, or refuses it naming the field. As with Anthropic, a
/// model thinks only if it is told to.</summary>
internal static class MessagesRequestReader
{
    private const int LongestName = 256;
    private const int MostStops = 16;

    /// <summary>"seed" is ours: the same request with the same seed has the same answer.</summary>
    public static readonly FrozenSet<string> Known = new[]
    {
        "model", "messages", "system", "max_tokens", "stop_sequences", "stream", "temperature", "top_k", "top_p", "seed", "metadata", "thinking",
        "tools", "tool_choice", "service_tier", "cache_control", "output_config",
    }.ToFrozenSet();

    /// <summary>Those that have nothing to do with the prompt.</summary>
    public static readonly FrozenSet<string> OfTheAnswer =
        new[] { "max_tokens", "stop_sequences", "stream", "temperature", "top_k", "top_p", "seed", "metadata", "service_tier" }.ToFrozenSet();

    private static readonly FrozenSet<string> ToolFields =
        new[] { "type", "name", "description", "input_schema", "cache_control", "strict", "eager_input_streaming" }.ToFrozenSet();

    private static readonly FrozenSet<string> ChoiceFields = new[] { "type", "name", "disable_parallel_tool_use" }.ToFrozenSet();
    private static readonly FrozenSet<string> ThinkingFields = new[] { "type", "budget_tokens", "display" }.ToFrozenSet();
    private static readonly FrozenSet<string> MetadataFields = new[] { "user_id" }.ToFrozenSet();
    private static readonly FrozenSet<string> FormatFields = new[] { "type", "schema" }.ToFrozenSet();
    private static readonly FrozenSet<string> OutputFields = new[] { "effort", "format" }.ToFrozenSet();

    /// <param name="queueUser">Whose turn it is in the fair queue, from the user that the request names, if it does.</param>
    /// <exception cref="Errors.ApiException">400: the first thing that is wrong.</exception>
    public static ChatCall Read(JsonElement body, Func<string?, string> queueUser, DateTimeOffset now)
    {
        var request = new RequestObject(body);
        request.RefuseUnknown(Known);
        bool stream = request.Boolean("stream") ?? false;
        request.Require("max_tokens");
        return new(ReadPrompt(request, queueUser, now) with
        {
            MaxTokens = (int)request.Integer("max_tokens", 1, int.MaxValue)!.Value,
            Keep = stream ? Keep.UntilDelivered : Keep.Nothing,
        }, stream);
    }

    /// <summary>The body of /v1/messages/count_tokens: all that makes the prompt.</summary>
    public static ChatRequest ReadCount(JsonElement body, Func<string?, string> queueUser, DateTimeOffset now)
    {
        var request = new RequestObject(body);
        foreach (string name in request.Names)
            if (!Known.Contains(name) || OfTheAnswer.Contains(name))
                throw RequestObject.Refuse(name, "unknown_parameter", $"Unknown parameter: '{name}'.");
        return ReadPrompt(request, queueUser, now);
    }

    private static ChatRequest ReadPrompt(RequestObject request, Func<string?, string> queueUser, DateTimeOffset now)
    {
        string model = RequestObject.Text(request.Require("model"), "model", LongestName);
        return new(model, MessageBlocks.Read(request), SamplingReader.Read(request), null, ReadStops(request), null, queueUser(ReadUser(request)), Keep.Nothing, now)
        {
            Tools = ReadTools(request),
            Constraint = ReadFormat(request),
            Thinking = ReadThinking(request, ReadEffort(request)),
        };
    }

    private static string? ReadUser(RequestObject request)
    {
        if (request.Find("metadata") is not { } value)
            return null;
        var metadata = new RequestObject(value, "metadata");
        metadata.RefuseUnknown(MetadataFields);
        return metadata.Text("user_id", LongestName);
    }

    private static string[] ReadStops(RequestObject request)
    {
        if (request.Find("stop_sequences") is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > MostStops)
            throw RequestObject.WrongType("stop_sequences", $"an array of at most {MostStops} strings", value);
        return [.. value.EnumerateArray().Select((text, index) => RequestObject.Text(text, $"stop_sequences[{index}]", LongestName) is { Length: > 0 } stop ? stop
            : throw RequestObject.Refuse($"stop_sequences[{index}]", "invalid_value", $"Invalid 'stop_sequences[{index}]': an empty string would stop every answer at once."))];
    }

    private static ThinkingSettings ReadThinking(RequestObject request, string? effort)
    {
        if (request.Find("thinking") is not { } value)
            return Silent(effort);
        var thinking = new RequestObject(value, "thinking");
        thinking.RefuseUnknown(ThinkingFields);
        string type = RequestObject.Text(thinking.Require("type"), "thinking.type");
        return type switch
        {
            "disabled" => Silent(effort),
            "adaptive" => ThinkingReader.Of(effort, "output_config.effort") with { Enabled = true },
            "enabled" => new(Enabled: true, Effort: effort, Budget: (int)(thinking.Integer("budget_tokens", 1, int.MaxValue)
                ?? throw RequestObject.Refuse("thinking.budget_tokens", "missing_required_parameter", "Missing required parameter: 'thinking.budget_tokens'."))),
            _ => throw RequestObject.Refuse("thinking.type", "invalid_value", $"Invalid 'thinking.type': '{type}'; expected 'enabled', 'adaptive' or 'disabled'."),
        };
    }

    /// <summary>Effort is how much a model thinks: nothing that could be heeded where it does not.</summary>
    private static ThinkingSettings Silent(string? effort) => effort is null ? new(Enabled: false)
        : throw RequestObject.Refuse("output_config.effort", "invalid_value", "Invalid 'output_config.effort': it bounds thinking, which is off. Send 'thinking' too, or leave it out.");

    private static string? ReadEffort(RequestObject request)
    {
        if (request.Find("output_config") is not { } value)
            return null;
        var output = new RequestObject(value, "output_config");
        output.RefuseUnknown(OutputFields);
        return output.Text("effort", LongestName);
    }

    private static AnswerConstraint? ReadFormat(RequestObject request)
    {
        if (request.Find("output_config") is not { } value || new RequestObject(value, "output_config").Find("format") is not { } given)
            return null;
        var format = new RequestObject(given, "output_config.format");
        format.RefuseUnknown(FormatFields);
        var type = format.Require("type");
        return RequestObject.Text(type, "output_config.format.type") == "json_schema" ? ConstraintReader.ReadSchema(format, "schema")
            : throw RequestObject.Refuse("output_config.format.type", "invalid_value", $"Invalid 'output_config.format.type': {RequestObject.Shorten(type)}; expected 'json_schema'.");
    }

    /// <summary>In OpenAI's form, as everything behind the gateway knows them.</summary>
    private static ToolSettings? ReadTools(RequestObject request)
    {
        var openAi = new JsonObject();
        if (request.Find("tools") is { } value)
        {
            if (value.ValueKind != JsonValueKind.Array)
                throw RequestObject.WrongType("tools", "an array of tools", value);
            openAi["tools"] = new JsonArray([.. value.EnumerateArray().Select((tool, index) => ReadTool(new(tool, $"tools[{index}]")))]);
        }
        if (request.Find("tool_choice") is { } choice)
            ReadChoice(new(choice, "tool_choice"), openAi);
        return ToolReader.Read(new(JsonElement.Parse(openAi.ToJsonString())));
    }

    private static JsonObject ReadTool(RequestObject tool)
    {
        if (tool.Text("type", LongestName) is { } type and not "custom")
            throw RequestObject.Refuse(tool.PathOf("type"), "unsupported_parameter",
                $"'{tool.PathOf("type")}' is '{type}': tools that run at the server are not here. Send tools with 'name' and 'input_schema'.");
        tool.RefuseUnknown(ToolFields);
        var function = new JsonObject
        {
            ["name"] = RequestObject.Text(tool.Require("name"), tool.PathOf("name")),
            ["parameters"] = JsonObject.Create(new RequestObject(tool.Require("input_schema"), tool.PathOf("input_schema")).Json.Clone()),
        };
        if (tool.Text("description", int.MaxValue) is { } description)
            function["description"] = description;
        if (tool.Boolean("strict") is { } strict)
            function["strict"] = strict;
        return new() { ["type"] = "function", ["function"] = function };
    }

    private static void ReadChoice(RequestObject choice, JsonObject openAi)
    {
        choice.RefuseUnknown(ChoiceFields);
        openAi["parallel_tool_calls"] = !(choice.Boolean("disable_parallel_tool_use") ?? false);
        string type = RequestObject.Text(choice.Require("type"), "tool_choice.type");
        openAi["tool_choice"] = type switch
        {
            "auto" or "none" => type,
            "any" => "required",
            "tool" => new JsonObject { ["type"] = "function", ["function"] = new JsonObject { ["name"] = RequestObject.Text(choice.Require("name"), "tool_choice.name") } },
            _ => throw RequestObject.Refuse("tool_choice.type", "invalid_value", $"Invalid 'tool_choice.type': '{type}'; expected 'auto', 'any', 'tool' or 'none'."),
        };
    }
}
