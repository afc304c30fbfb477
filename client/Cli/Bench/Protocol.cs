using System.Text.Json;
using System.Text.Json.Serialization;

namespace SmolCluster.Cli.Bench;

/// <summary>What a contender is asked, one JSON object a line of its standard input: generate from all prompts at once,
/// always the likeliest token.</summary>
/// <param name="MaxTokens">Of each answer.</param>
/// <param name="Window">All answers stop once each has this many tokens after its first.</param>
/// <param name="Seconds">They also stop this long after all of them have begun.</param>
/// <param name="Forbidden">Tokens that would end an answer.</param>
/// <param name="Replays">Each user's answer, in place of what is drawn, guessed ahead where it repeats; null: the answers are
/// drawn, a token a step.</param>
/// <param name="Flood">Prompts that another user sends, all at once, after each answer has had its window; each has another then.</param>
internal sealed record ContenderRequest(int[][] Prompts, int MaxTokens, int Window, double Seconds, int[] Forbidden, int[][]? Replays = null, int[][]? Flood = null);

/// <summary>A line of its standard output. The first one is its own: the model is loaded.</summary>
/// <param name="Milliseconds">That loading took.</param>
/// <param name="Times">For each prompt, when each of its tokens came, in ms since the request was taken up.</param>
/// <param name="Drafts">Tokens guessed ahead, and how many came true.</param>
/// <param name="FloodedFrom">When the flood began to be computed, in ms like the times.</param>
/// <param name="FloodTokens">Of each of its prompts.</param>
/// <param name="Error">Why there are no times.</param>
internal sealed record ContenderReply(double Milliseconds = 0, double[][]? Times = null, long[]? Drafts = null,
    double? FloodedFrom = null, int? FloodTokens = null, string? Error = null);

internal static class Protocol
{
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };
}
