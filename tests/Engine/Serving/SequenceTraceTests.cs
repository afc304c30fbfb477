using System.Collections.Concurrent;
using System.Diagnostics;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Tests.Serving;

/// <summary>What the batch loop tells of a request in its trace.</summary>
public sealed class SequenceTraceTests : IDisposable
{
    private const int Prompt = 300;
    private const int Answer = 8;

    private readonly ConcurrentQueue<Activity> _spans = [];
    private readonly ActivityListener _listener;
    private readonly GgufChatModel _model = GgufChatModel.Load(TestData.TinyModel, new() { Threads = 1, CacheBytes = 64 << 20, PrefixCache = false });

    public SequenceTraceTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == "SmolCluster.Engine",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = _spans.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    [Fact]
    public async Task Submit_WithATrace_TellsQueueEveryChunkAndDecode()
    {
        var trace = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
        await RunAsync(trace);
        Activity[] spans = [.. _spans.Where(span => span.TraceId == trace.TraceId)];
        Assert.All(spans, span => Assert.Equal(trace.SpanId, span.ParentSpanId));
        string[] names = [.. spans.Select(static span => span.OperationName)];
        Assert.Equal(["queue", .. Enumerable.Repeat("prefill", names.Length - 2), "decode"], names);
        Assert.True(names.Length >= 4, "a prompt of 300 tokens is more than one step");
        Assert.Equal(Prompt, spans[1..^1].Sum(static span => (int)span.GetTagItem("smolcluster.tokens")!));
        Assert.Equal((Answer - 1, Answer - 1), ((int)spans[^1].GetTagItem("smolcluster.tokens")!, (int)spans[^1].GetTagItem("smolcluster.steps")!)); // the first came with the prompt's last chunk
        Assert.All(spans.Zip(spans.Skip(1)), static pair => Assert.True(pair.First.StartTimeUtc + pair.First.Duration <= pair.Second.StartTimeUtc + TimeSpan.FromMilliseconds(1)));
    }

    [Fact]
    public async Task Submit_WithoutATrace_TellsNothing()
    {
        Activity? before = Activity.Current;
        await RunAsync(default);
        Assert.Empty(_spans);
        Assert.Same(before, Activity.Current);
    }

    public void Dispose()
    {
        _model.Dispose();
        _listener.Dispose();
    }

    private async Task RunAsync(ActivityContext trace)
    {
        int[] tokens = [.. Enumerable.Range(1, Prompt)];
        Generation generation = _model.Submit(new GenerationRequest(tokens, Prompt, Answer, new() { Temperature = 0 }, "u") { Trace = trace, Speculation = false, MinTokens = Answer });
        int count = 0;
        await foreach (int _ in generation.Tokens.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            count++;
        }

        Assert.Equal(Answer, count);
    }
}
