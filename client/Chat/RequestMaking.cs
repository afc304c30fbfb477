using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using SmolCluster.Answering;
using SmolCluster.Contracts;

namespace SmolCluster.Chat;

/// <summary>From messages and options to a request. What would change the answer and is not known here is refused, never left out.</summary>
internal static class RequestMaking
{
    private const int MostStops = 16;

    /// <exception cref="NotSupportedException">An option or a content that this client cannot take.</exception>
    /// <exception cref="ArgumentException">A number out of its range, or an option of the wrong kind.</exception>
    public static ChatRequest Of(IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, ChatOptions options, string model, string user)
    {
        if (options.ConversationId is not null)
            throw new NotSupportedException("ChatOptions.ConversationId is set, but this client keeps no conversations: send all messages each time.");
        RefuseUnknown(options.AdditionalProperties);
        var stops = options.StopSequences ?? [];
        if (stops.Count > MostStops || stops.Any(string.IsNullOrEmpty))
            throw new ArgumentException($"ChatOptions.StopSequences: expected at most {MostStops} texts, none of them empty.", nameof(options));
        if (options.MaxOutputTokens < 1)
            throw new ArgumentOutOfRangeException(nameof(options), options.MaxOutputTokens, "ChatOptions.MaxOutputTokens must be at least 1.");
        return new(options.ModelId ?? model, MessageMaking.Of(messages, options.Instructions), Sampling(options), options.MaxOutputTokens,
            [.. stops], null, user, Keep.Nothing, DateTimeOffset.UtcNow, Constraint: Form(options.ResponseFormat))
        {
            Tools = ToolMaking.Of(options),
            Thinking = Thinking(options),
        };
    }

    private static SamplingSettings Sampling(ChatOptions options)
    {
        var defaults = new SamplingSettings();
        var settings = new SamplingSettings
        {
            Temperature = options.Temperature ?? defaults.Temperature,
            TopP = options.TopP ?? defaults.TopP,
            TopK = options.TopK ?? defaults.TopK,
            MinP = Number(options, "min_p") ?? defaults.MinP,
            RepetitionPenalty = Number(options, "repetition_penalty") ?? defaults.RepetitionPenalty,
            FrequencyPenalty = options.FrequencyPenalty ?? defaults.FrequencyPenalty,
            PresencePenalty = options.PresencePenalty ?? defaults.PresencePenalty,
            Seed = unchecked((ulong)(options.Seed ?? Random.Shared.NextInt64())),
        };
        AnswerPlan.Options(settings).Validate();
        return settings;
    }

    private static AnswerConstraint? Form(ChatResponseFormat? format) => format switch
    {
        null or ChatResponseFormatText => null,
        ChatResponseFormatJson { Schema: { } schema } => new(AnswerConstraintKind.JsonSchema, schema.GetRawText(), nameof(ChatOptions.ResponseFormat)),
        ChatResponseFormatJson => new(AnswerConstraintKind.Json, "", nameof(ChatOptions.ResponseFormat)),
        _ => throw new NotSupportedException($"ChatOptions.ResponseFormat is a {format.GetType().Name}; this client knows text and JSON."),
    };

    private static ThinkingSettings Thinking(ChatOptions options)
    {
        if (options.Reasoning?.Output == ReasoningOutput.Summary)
            throw new NotSupportedException("ChatOptions.Reasoning.Output is Summary; this client gives reasoning as it is, or not at all.");
        string? effort = options.Reasoning?.Effort switch
        {
            null => null,
            ReasoningEffort.None => "none",
            ReasoningEffort.Low => "low",
            ReasoningEffort.Medium => "medium",
            _ => "high",
        };
        int? budget = (int?)Number(options, "thinking_budget");
        if (budget < 0)
            throw new ArgumentOutOfRangeException(nameof(options), budget, "thinking_budget must be 0 or more.");
        return new(Flag(options, "enable_thinking") ?? (effort == "none" ? false : null), effort, budget ?? (effort is null ? null : ThinkingSettings.BudgetOf(effort)));
    }

    private static void RefuseUnknown(AdditionalPropertiesDictionary? properties)
    {
        string[] known = ["min_p", "repetition_penalty", "enable_thinking", "thinking_budget"];
        if (properties?.Keys.FirstOrDefault(name => !known.Contains(name)) is { } unknown)
            throw new NotSupportedException($"ChatOptions.AdditionalProperties has '{unknown}'; this client knows {string.Join(", ", known)}.");
    }

    private static float? Number(ChatOptions options, string name) => options.AdditionalProperties?.GetValueOrDefault(name) switch
    {
        null => null,
        JsonElement { ValueKind: JsonValueKind.Number } json => json.GetSingle(),
        IConvertible number and not (string or bool) => Convert.ToSingle(number, CultureInfo.InvariantCulture),
        var other => throw Wrong(name, "a number", other),
    };

    private static bool? Flag(ChatOptions options, string name) => options.AdditionalProperties?.GetValueOrDefault(name) switch
    {
        null => null,
        bool flag => flag,
        JsonElement { ValueKind: JsonValueKind.True or JsonValueKind.False } json => json.GetBoolean(),
        var other => throw Wrong(name, "true or false", other),
    };

    private static ArgumentException Wrong(string name, string expected, object found) =>
        new($"ChatOptions.AdditionalProperties: '{name}' is a {found.GetType().Name}; expected {expected}.");
}
