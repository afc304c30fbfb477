using System.Collections.Frozen;
using System.Text.Json;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>What becomes of each field a request may carry: read, accepted because it cannot change the answer, or refused.
/// A field that is ignored in silence is an answer the client did not ask for, so anything not listed is refused too.</summary>
internal static class ChatFields
{
    private static readonly FrozenSet<string> Read = new[]
    {
        "model", "messages", "temperature", "top_p", "top_k", "min_p", "max_tokens", "max_completion_tokens", "stop", "seed",
        "presence_penalty", "frequency_penalty", "repetition_penalty", "logit_bias", "stream", "stream_options", "user", "n",
        "chat_template_kwargs", "enable_thinking", "thinking_budget", "reasoning_effort", "tools", "tool_choice", "parallel_tool_calls",
        "logprobs", "top_logprobs", "min_tokens", "truncation",
    }.Concat(ConstraintReader.Fields).ToFrozenSet();

    /// <summary>Labels, and hints for storage, billing and speed: the answer is the same without them.</summary>
    private static readonly FrozenSet<string> Harmless = new[]
    {
        "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "prediction",
    }.ToFrozenSet();

    /// <summary>Known to clients, would change the answer, not here yet; with the one value that asks for nothing, if there is one.</summary>
    private static readonly FrozenDictionary<string, Predicate<JsonElement>> Unsupported = new Dictionary<string, Predicate<JsonElement>>
    {
        ["functions"] = IsEmptyArray,
        ["function_call"] = value => Is(value, "none") || Is(value, "auto"),
        ["modalities"] = value => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 1 && Is(value[0], "text"),
        ["audio"] = Never,
        ["moderation"] = Never,
        ["verbosity"] = value => Is(value, "medium"),
        ["web_search_options"] = Never,
        ["ignore_eos"] = value => value.ValueKind == JsonValueKind.False,
        ["typical_p"] = Never,
        ["mirostat"] = Never,
    }.ToFrozenDictionary();

    /// <summary>Those that are read.</summary>
    public static IEnumerable<string> Names => Read;

    /// <exception cref="Errors.ApiException">400: a field is unknown, or known but not supported yet.</exception>
    public static void RefuseOthers(RequestObject request)
    {
        foreach (string name in request.Names)
        {
            if (Read.Contains(name) || Harmless.Contains(name))
                continue;
            if (!Unsupported.TryGetValue(name, out var asksForNothing))
                throw RequestObject.Refuse(name, "unknown_parameter", $"Unknown parameter: '{name}'.");
            if (request.Find(name) is { } value && !asksForNothing(value))
                throw RequestObject.Refuse(name, "unsupported_parameter",
                    $"'{name}' is not supported yet, and leaving it out would change the answer. Send the request without it.");
        }
    }

    private static bool Never(JsonElement value) => false;

    private static bool IsEmptyArray(JsonElement value) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0;

    private static bool Is(JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.ValueEquals(text);
}
