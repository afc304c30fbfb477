namespace SmolCluster.Cli.Bench;

/// <summary>What a case's figure is made of.</summary>
internal enum Measure
{
    /// <summary>Prompt tokens ÷ time to the first token, tokens/s.</summary>
    Prefill,

    /// <summary>From submitting the prompt to its first token, ms.</summary>
    FirstToken,

    /// <summary>All users' tokens a second once all of them have their first token.</summary>
    Decode,

    /// <summary>One user's answer that repeats its prompt with changes (<see cref="ModelFacts.Edited"/>), tokens/s. The peer has none.</summary>
    Lookup,

    /// <summary>How much longer users wait for their next token beside one who sends long prompts without pause, as a factor.</summary>
    Fairness,

    /// <summary>A new process, from asking to load until requests can be submitted, the file being in the page cache, ms.</summary>
    Load,

    /// <summary>A new process, from asking to load to the first token of its first prompt, ms.</summary>
    Start,

    /// <summary>A new process's anonymous memory (the mapped file is not in it) after a short answer, MiB.</summary>
    Memory,
}

/// <param name="Users">Sequences at once.</param>
/// <param name="PromptTokens">Of each user.</param>
/// <param name="Window">Tokens of each user that are timed after its first one. Few enough for a 3B model on two cores to
/// need seconds, not minutes.</param>
/// <param name="OnlyIfNamed">Left out unless asked for by name: its prompt alone takes a 3B model minutes.</param>
internal sealed record BenchCase(string Name, Measure Measure, int Users = 1, int PromptTokens = 16, int Window = 0, bool OnlyIfNamed = false)
{
    /// <summary>Tokens a sequence may go on for while slower starters fill their windows.</summary>
    private const int Slack = 128;

    public static IReadOnlyList<BenchCase> All { get; } =
    [
        new("prefill-128", Measure.Prefill, PromptTokens: 128),
        new("prefill-512", Measure.Prefill, PromptTokens: 512),
        new("prefill-2048", Measure.Prefill, PromptTokens: 2048),
        OneUser,
        new("decode-4", Measure.Decode, 4, Window: 32),
        new("decode-16", Measure.Decode, 16, Window: 16),
        new("decode-32", Measure.Decode, 32, Window: 12),
        new("lookup", Measure.Lookup, PromptTokens: 256, Window: 192),
        new("decode-4k", Measure.Decode, PromptTokens: 4096, Window: 32, OnlyIfNamed: true),
        new("decode-16k", Measure.Decode, PromptTokens: 16_384, Window: 32, OnlyIfNamed: true),
        new("ttft-64", Measure.FirstToken, PromptTokens: 64),
        new("load", Measure.Load),
        new("load-ttft-64", Measure.Start, PromptTokens: 64),
        new("memory", Measure.Memory, PromptTokens: 64, Window: 15),
        new("fairness", Measure.Fairness, 31, Window: 12, OnlyIfNamed: true),
    ];

    /// <summary>What is measured where nothing is said.</summary>
    public static IEnumerable<BenchCase> Usual => All.Where(static known => !known.OnlyIfNamed);

    public static BenchCase OneUser => new("decode-1", Measure.Decode, Window: 48);

    /// <summary>More users than this, and the peer's binding batches far slower than the peer itself.</summary>
    public bool PeerIsDerived => Measure == Measure.Decode && Users > 4;

    /// <summary>Whether the same can be measured of the peer: its answers cannot be laid down, and it knows no users.</summary>
    public bool HasPeer => Measure is not (Measure.Lookup or Measure.Fairness);

    public string Unit => Measure switch
    {
        Measure.Prefill or Measure.Decode or Measure.Lookup => "tokens/s",
        Measure.FirstToken or Measure.Load or Measure.Start => "ms",
        Measure.Fairness => "x",
        _ => "MiB",
    };

    /// <summary>Prompt and answer of one user, at least.</summary>
    public int TokensNeeded => PromptTokens + (Measure == Measure.Fairness ? 2 : 1) * Window + 1;

    /// <summary>Length of the prompts that flood, in a context of this length.</summary>
    public static int FloodTokens(int contextLength) => Math.Min(8192, contextLength - 1);

    /// <summary>How long one user's answer may become, in a context of this length.</summary>
    public int MaxTokens(int contextLength) => Window == 0 ? 1 : Math.Min(Window + 1 + Slack, contextLength - PromptTokens);
}
