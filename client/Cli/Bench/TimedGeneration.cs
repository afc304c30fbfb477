using System.Diagnostics;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Cli.Bench;

/// <summary>Several users' answers at once over the real serving path (queue, batch loop, sampler, channel), with the time at
/// which each token reached its reader. Users who began first keep the batch full until the last has its window.</summary>
internal sealed class TimedGeneration(ContenderRequest request)
{
    private readonly List<double>[] _times = [.. request.Prompts.Select(static _ => new List<double>())];
    private int _begun, _finished;

    /// <returns>[user][token], ms since the prompts were submitted.</returns>
    public async Task<double[][]> RunAsync(IChatModel model)
    {
        var sampling = new SamplingOptions { Temperature = 0, LogitBias = request.Forbidden.ToDictionary(static token => token, static _ => -100f) };
        using var stop = new CancellationTokenSource();
        long start = Stopwatch.GetTimestamp();
        Generation[] answers = [.. request.Prompts.Select((prompt, user) =>
            model.Submit(new GenerationRequest(prompt, prompt.Length, request.MaxTokens, sampling, $"user-{user}")
            {
                // random weights fall into loops, which drafts would shorten: a token a step is what decoding is measured by
                Speculation = request.Replays is not null,
                Replay = request.Replays?[user],
            }))];
        using CancellationTokenRegistration stopping = stop.Token.Register(() => Array.ForEach(answers, static answer => answer.Cancel()));
        await Task.WhenAll(answers.Select((answer, user) => ReadAsync(answer, _times[user], start, stop)));
        return [.. _times.Select(static user => user.ToArray())];
    }

    private async Task ReadAsync(Generation answer, List<double> times, long start, CancellationTokenSource stop)
    {
        await foreach (int _ in answer.Tokens.ReadAllAsync())
        {
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            if (times.Count == 1 && Interlocked.Increment(ref _begun) == _times.Length)
                stop.CancelAfter(TimeSpan.FromSeconds(request.Seconds));
            if (times.Count == request.Window + 1 && Interlocked.Increment(ref _finished) == _times.Length)
                await stop.CancelAsync();
        }
    }
}
