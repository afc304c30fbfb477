using SmolCluster.Engine.Serving;
using SmolCluster.Gateway.Tests;
using SmolCluster.Grains;

[assembly: AssemblyFixture(typeof(SharedGateway))]

namespace SmolCluster.Gateway.Tests;

/// <summary>One gateway for all tests, with a stub for each state a model can be in.</summary>
public sealed class SharedGateway : IAsyncLifetime
{
    public const string Quick = "stub";
    public const string QuickText = "Hello, I am the **stub**. ¡Hola! 你好 🙂 This is all I say.";
    public const string Slow = "slow-stub";
    public const string Full = "full-stub";
    public const string Loading = "loading-stub";
    public const string Failed = "failed-stub";
    public const int ContextLength = 2048;

    private readonly CancellationTokenSource stopped = new();
    private readonly TaskCompletionSource reported = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private GatewayHost? host;

    internal HttpClient Http => host!.Http;

    internal string Url => host!.Url;

    public async ValueTask InitializeAsync()
    {
        host = await GatewayHost.StartAsync(
            Stub(Quick, (_, _) => new StubChatModel(QuickOptions, TimeProvider.System)),
            Stub(Slow, (_, _) => new StubChatModel(SlowOptions, TimeProvider.System)),
            Stub(Full, (_, _) => new StubChatModel(QuickOptions with { Id = Full, MostAnswers = 0 }, TimeProvider.System)),
            Stub(Loading, LoadForEver),
            Stub(Failed, (_, _) => throw new InvalidDataException("The file ends in the middle of a tensor.")));
        await reported.Task;
        using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await LoadingCountAsync() > 1)
            await often.WaitForNextTickAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await stopped.CancelAsync();
        if (host is not null)
            await host.DisposeAsync();
        stopped.Dispose();
    }

    internal static StubOptions QuickOptions =>
        new() { Id = Quick, Text = QuickText, TokenInterval = TimeSpan.Zero, ContextLength = ContextLength };

    /// <summary>200 tokens a second, so that a client can leave in the middle of an answer.</summary>
    private static StubOptions SlowOptions => QuickOptions with
    {
        Id = Slow,
        Text = string.Concat(Enumerable.Repeat("Slow words come one by one. ", 60)),
        TokenInterval = TimeSpan.FromMilliseconds(5),
    };

    private static ModelSource Stub(string id, Func<IProgress<double>, CancellationToken, IChatModel> load) =>
        new(id, ModelKind.Stub, load);

    private async Task<int> LoadingCountAsync() => (await Http.GetJsonAsync("/v1/models"))["data"]!.AsArray()
        .Count(model => (string)model!["meta"]!["state"]! == "loading");

    private StubChatModel LoadForEver(IProgress<double> progress, CancellationToken cancellation)
    {
        progress.Report(0.25);
        reported.SetResult();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, stopped.Token);
        either.Token.WaitHandle.WaitOne();
        either.Token.ThrowIfCancellationRequested();
        throw new InvalidOperationException("Never loads.");
    }
}
