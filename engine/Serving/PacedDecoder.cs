using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace SmolCluster.Engine.Serving;

/// <summary>
/// Steps that take a model's time and no processor: each waits as long as <see cref="StepPace"/> says, keeps pages as a real step
/// does, and gives every sequence the next byte of a fixed text. So the batch loop, its pages, its fairness and all that lies
/// above it are the real ones, and many nodes can be measured on one machine.
/// </summary>
internal sealed class PacedDecoder(StepPace pace, string text, int maxTokens) : IBatchDecoder
{
    private readonly ConditionalWeakTable<GenerationRequest, byte[]> _scripts = [];

    public int MaxTokens => maxTokens;

    public (long Drafted, long Accepted) Drafts => default;

    public void Enter() { }

    public void Run(IReadOnlyList<(SequenceRun Run, int Tokens)> step)
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan left = pace.Of(step.Sum(static s => s.Tokens)) - Stopwatch.GetElapsedTime(start);
        if (left > TimeSpan.Zero)
        {
            Thread.Sleep(left);
        }

        foreach ((SequenceRun run, int tokens) in step)
        {
            Deliver(run, tokens);
        }
    }

    public void Dispose() { }

    private void Deliver(SequenceRun run, int tokens)
    {
        bool draws = run.Slice(tokens).LogitRowCount > 0;
        run.Cache.Advance(tokens);
        bool ended = false;
        if (draws)
        {
            int place = run.Count - run.Request.PromptLength;
            byte[] script = _scripts.GetValue(run.Request, request => StubScript.Answer(request, text));
            int token = place < script.Length ? script[place] : StubChatModel.EndToken;
            run.Append(token, 0, run.Request.TopLogprobs is { } top ? StubChatModel.Certain(token, top) : null);
            ended = token == StubChatModel.EndToken || run.Request.StopTokens.Contains(token) || run.Generated >= run.Request.MaxTokens;
        }

        run.Publish();
        if (ended)
        {
            run.End();
        }
    }
}
