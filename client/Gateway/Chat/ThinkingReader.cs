using SmolCluster.Contracts;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Reads how much the model may think: "enable_thinking", "reasoning_effort" and "thinking_budget". Effort is a bound here, since
/// the models know none: "none" turns thinking off, "minimal", "low" and "medium" allow 256, 1024 and 4096 tokens of it, "high" and "xhigh" any
/// number; a budget that is given counts instead. Templates that know reasoning_effort are told it too.</summary>
internal static class ThinkingReader
{
    public static ThinkingSettings Read(RequestObject request)
    {
        bool? enabled = request.Boolean("enable_thinking");
        int? budget = (int?)request.Integer("thinking_budget", 0, int.MaxValue);
        if (request.Find("reasoning_effort") is not { } value)
            return new(enabled, null, budget);
        string effort = RequestObject.Text(value, "reasoning_effort");
        int? bound = BoundOf(effort, "reasoning_effort");
        if (enabled is not null && enabled != (effort != "none"))
            throw RequestObject.Refuse("reasoning_effort", "invalid_value",
                $"Invalid 'reasoning_effort': '{effort}', but 'enable_thinking' is {(enabled.Value ? "true" : "false")}. Send one of them.");
        return new(enabled ?? (effort == "none" ? false : null), effort, budget ?? bound);
    }

    /// <summary>Effort alone, as other dialects have it.</summary>
    /// <param name="path">Of the field that says it.</param>
    public static ThinkingSettings Of(string? effort, string path) => effort is null ? new() : new(effort == "none" ? false : null, effort, BoundOf(effort, path));

    private static int? BoundOf(string effort, string path) => effort switch
    {
        "none" or "minimal" or "low" or "medium" or "high" or "xhigh" => ThinkingSettings.BudgetOf(effort),
        _ => throw RequestObject.Refuse(path, "invalid_value", $"Invalid '{path}': '{(effort.Length <= 40 ? effort : effort[..37] + "...")}'; "
            + "expected one of 'none', 'minimal', 'low', 'medium', 'high' and 'xhigh'."),
    };
}
