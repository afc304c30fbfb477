using System.Diagnostics;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Cli.Bench;

/// <summary>Users who decode: for a while among themselves, and as long again beside one who sends long prompts without pause.</summary>
internal sealed class FloodedGeneration(ContenderRequest request)
{
    private readonly List<double>[] _times = [.. request.Prompts.Select(static _ => new List<double>())];
    private readonly TaskCompletionSource _alone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _flooded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _finishedAlone, _finishedFlooded, _begun;
    private volatile bool _allBegun, _flooding;

    /// <returns>The users' times in ms since the start, and from when on the flood was computed.</returns>
    public async Task<(double[][] Times, double FloodedFrom)> RunAsync(IChatModel model)
    {
        var sampling = new SamplingOptions { Temperature = 0, LogitBias = request.Forbidden.ToDictionary(static token => token, static _ => -100f) };
        long start = Stopwatch.GetTimestamp();
        Generation[] answers = [.. request.Prompts.Select((prompt, user) => Submit(model, prompt, request.MaxTokens, sampling, $"user-{user}"))];
        Task[] readers = [.. answers.Select((answer, user) => ReadAsync(answer, _times[user], start))];
        Task ended = Task.WhenAll(readers);
        await Task.WhenAny(_alone.Task, ended);
        Generation[] flood = [.. request.Flood!.Select(prompt => Submit(model, prompt, 1, sampling, "flood"))];
        await Task.WhenAny(flood[0].CachedTokens, ended); // completes when its prefill starts
        double from = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        _flooding = true;
        await Task.WhenAny(_flooded.Task, ended);
        Array.ForEach([.. answers, .. flood], static generation => generation.Cancel());
        await ended;
        return ([.. _times.Select(static user => user.ToArray())], from);
    }

    private static Generation Submit(IChatModel model, int[] prompt, int maxTokens, SamplingOptions sampling, string user) =>
        model.Submit(new GenerationRequest(prompt, prompt.Length, maxTokens, sampling, user) { Speculation = false });

    private async Task ReadAsync(Generation answer, List<double> times, long start)
    {
        int alone = 0, flooded = 0;
        await foreach (int _ in answer.Tokens.ReadAllAsync())
        {
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            if (times.Count == 1 && Interlocked.Increment(ref _begun) == _times.Length)
                _allBegun = true;
            if (_flooding && ++flooded == request.Window && Interlocked.Increment(ref _finishedFlooded) == _times.Length)
                _flooded.SetResult();
            else if (!_flooding && _allBegun && ++alone == request.Window && Interlocked.Increment(ref _finishedAlone) == _times.Length)
                _alone.SetResult();
        }
    }
}
