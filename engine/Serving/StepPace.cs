namespace SmolCluster.Engine.Serving;

/// <summary>How long a step takes: reading the weights once, and computing each token.</summary>
public readonly record struct StepPace(TimeSpan Step, TimeSpan Token)
{
    /// <summary>SmolLM3-3B in Q4_K_M on two Zen 3 cores, from README's table: one user decodes 9.74 tokens a second (103 ms a step),
    /// sixteen 47.0 (340 ms), prompts go at 59.8 (2,140 ms for 128); 87 ms and 16 ms a token give 103, 343 and 2,135.</summary>
    public static StepPace SmolLM3 { get; } = new(TimeSpan.FromMilliseconds(87), TimeSpan.FromMilliseconds(16));

    public TimeSpan Of(int tokens) => Step + Token * tokens;
}
