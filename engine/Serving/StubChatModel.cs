using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using SmolCluster.Engine.Sampling.Constraints;
using SmolCluster.Engine.Text.Templates;

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

    private readonly byte[] _text = Encoding.UTF8.GetBytes(options.Text);
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

    /// <summary>Role and text of each message as UTF-8.</summary>
    public int[] EncodeChat(JsonObject context, DateTimeOffset? now = null)
    {
        if (context["messages"] is not JsonArray { Count: > 0 } messages)
            throw new TemplateException("There are no messages to answer: send at least one.");
        var prompt = new StringBuilder();
        foreach (var message in messages)
            prompt.Append(Text(message, "role")).Append(": ").Append(Text(message, "content")).Append('\n');
        return [.. Encoding.UTF8.GetBytes(prompt.ToString())];
    }

    public int VocabularyLength => EndToken + 1;

    public int LongestToken => 1;

    public ReadOnlySpan<byte> VisibleBytes(int token) =>
        token == EndToken ? default : s_bytes.AsSpan(token, 1);

    public bool EndsAnswer(int token) => token == EndToken;

    /// <exception cref="ConstraintException">Always: it says its text whatever is asked.</exception>
    public TokenConstraint Compile(ConstraintSource source, ReadOnlySpan<int> prompt) =>
        throw new ConstraintException("The stub has one answer and cannot keep it to anything; ask a model with weights, such as the demo.");

    public Generation Submit(GenerationRequest request)
    {
        ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(request.MaxTokens, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)request.Tokens.Length + request.MaxTokens, options.ContextLength);
        Enter();
        var already = request.Tokens.Length - request.PromptLength;
        var tokens = Channel.CreateUnbounded<int>(new() { SingleReader = true, SingleWriter = true });
        var cancelled = CancellationTokenSource.CreateLinkedTokenSource(_disposed.Token);
        _ = Stream(already, request, tokens.Writer, cancelled);
        return new Generation(tokens.Reader, Task.FromResult(0), cancelled.Cancel);
    }

    public void Dispose() => _disposed.Cancel();

    /// <summary>Ends the channel in every case: an answer that was cancelled has no reader that could wait for more.</summary>
    private async Task Stream(int next, GenerationRequest request, ChannelWriter<int> tokens, CancellationTokenSource cancelled)
    {
        try
        {
            for (var left = request.MaxTokens; left > 0 && next <= _text.Length; left--, next++)
            {
                if (options.TokenInterval > TimeSpan.Zero)
                    await Task.Delay(options.TokenInterval, time, cancelled.Token).ConfigureAwait(false);
                int token = next < _text.Length ? _text[next] : EndToken;
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

    private static string Text(JsonNode? message, string name) =>
        (message as JsonObject)?[name] is JsonValue value && value.TryGetValue(out string? text)
            ? text
            : throw new TemplateException($"Every message needs a text \"{name}\".");

    private static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource();
        source.SetResult();
        return source;
    }
}
