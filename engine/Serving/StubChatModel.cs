using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Serving;

/// <summary>How the stub answers.</summary>
public sealed record StubOptions
{
    /// <summary>The name clients use.</summary>
    public string Id { get; init; } = "stub";

    /// <summary>What every answer says.</summary>
    public string Text { get; init; } =
        "Hello! I am the SmolCluster stub. I have no weights and understand nothing: whatever you write, this text is my answer, "
        + "streamed the way a model streams its tokens, so that you can try clients, streaming and limits without a download. "
        + "For real answers, give the node a model file, for example: smol serve SmolLM3-Q4_K_M.gguf";

    /// <summary>Between two tokens of one stream; zero: as fast as they are read. 20 ms are 50 tokens a second.</summary>
    public TimeSpan TokenInterval { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>In tokens, here bytes of UTF-8.</summary>
    public int ContextLength { get; init; } = 8192;

    /// <summary>How many answers run at once; one more is refused.</summary>
    public int MostAnswers { get; init; } = 256;
}

/// <summary>A model without weights: a token is a byte of UTF-8, and one more id ends an answer. It stands behind the same
/// token channel as the real model, so that everything after the batch loop (detokenizing, stops, limits, streaming,
/// cancellation) is the same code for both; that is why it streams tokens and not text.</summary>
public sealed class StubChatModel(StubOptions options, TimeProvider time) : IChatModel
{
    public const int EndToken = 256;

    private static readonly byte[] s_bytes = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];

    private readonly CancellationTokenSource _disposed = new();
    private readonly Lock _lock = new();
    private TaskCompletionSource _idle = Completed();
    private int _activeGenerations;

    public StubChatModel() : this(new StubOptions(), TimeProvider.System) { }

    public ModelCard Card { get; } = new(options.Id, ModelKind.Stub, "stub", "stub", options.ContextLength, FileBytes: 0);

    /// <summary>How many answers run now.</summary>
    public int ActiveGenerations { get { lock (_lock) return _activeGenerations; } }

    /// <summary>Completes when no answer runs.</summary>
    public Task WhenIdle() { lock (_lock) return _idle.Task; }

    /// <summary>Role and text of each message as UTF-8, and what is wanted of the answer, see <see cref="StubScript"/>.</summary>
    public int[] EncodeChat(JsonObject context, DateTimeOffset? now = null) => [.. Encoding.UTF8.GetBytes(StubScript.Prompt(context))];

    public int[] EncodeText(string text, bool addBegin, bool parseSpecial) => [.. Encoding.UTF8.GetBytes(text)];

    public ReadOnlySpan<byte> Bytes(int token) => VisibleBytes(token);

    public Task<float[]> Embed(int[] tokens, string user, CancellationToken cancellation) =>
        throw new NotSupportedException("A stub has no weights and no hidden states.");

    public int VocabularyLength => EndToken + 1;

    public int LongestToken => 1;

    public AnswerForm Form { get; } = new(Reasons: true, CallsTools: true);

    public ReadOnlySpan<byte> VisibleBytes(int token) =>
        token == EndToken ? default : s_bytes.AsSpan(token, 1);

    public bool EndsAnswer(int token) => token == EndToken;

    public Generation Submit(GenerationRequest request)
    {
        ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)request.Tokens.Length + request.MaxTokens, options.ContextLength);
        Enter();
        var already = request.Tokens.Length - request.PromptLength;
        var tokens = Channel.CreateUnbounded<int>(new() { SingleReader = true, SingleWriter = true });
        var logprobs = request.TopLogprobs is null ? null : Channel.CreateUnbounded<TokenLogprobs>(new() { SingleReader = true, SingleWriter = true });
        var cancelled = CancellationTokenSource.CreateLinkedTokenSource(_disposed.Token);
        _ = Stream(already, request, tokens.Writer, logprobs?.Writer, cancelled);
        return new Generation(tokens.Reader, Task.FromResult(0), cancelled.Cancel) { Logprobs = logprobs?.Reader };
    }

    public void Dispose() => _disposed.Cancel();

    /// <summary>A stub never doubts.</summary>
    internal static TokenLogprobs Certain(int token, int top) => new(token, 0, top > 0 ? [(token, 0)] : []);

    /// <summary>Ends the channel in every case: an answer that was cancelled has no reader that could wait for more.</summary>
    private async Task Stream(int next, GenerationRequest request, ChannelWriter<int> tokens, ChannelWriter<TokenLogprobs>? logprobs,
        CancellationTokenSource cancelled)
    {
        byte[] text = StubScript.Answer(request, options.Text);
        try
        {
            for (var left = request.MaxTokens; left > 0 && next <= text.Length; left--, next++)
            {
                if (options.TokenInterval > TimeSpan.Zero)
                    await Task.Delay(options.TokenInterval, time, cancelled.Token).ConfigureAwait(false);
                int token = next < text.Length ? text[next] : EndToken;
                logprobs?.TryWrite(Certain(token, request.TopLogprobs!.Value));
                tokens.TryWrite(token);
                if (request.StopTokens.Contains(token)) break;
            }
            tokens.Complete();
        }
        catch (OperationCanceledException cancellation)
        {
            tokens.Complete(cancellation);
        }
        finally
        {
            Leave();
        }
    }

    private void Enter()
    {
        lock (_lock)
        {
            if (_activeGenerations >= options.MostAnswers)
                throw new QueueFullException($"The stub answers {_activeGenerations} requests already, which is its limit.");
            if (_activeGenerations++ == 0) _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            if (--_activeGenerations == 0) _idle.SetResult();
        }
    }

    private static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource();
        source.SetResult();
        return source;
    }
}
