using Microsoft.Extensions.Logging;
using SmolCluster.Contracts;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains.Clusters;
using SmolCluster.Grains.Placement;
using SmolCluster.Grains.Stages;

namespace SmolCluster.Grains;

/// <summary>One model of this node from "loading" to "ready" or "failed"; one that is larger than the node allows is "stage" while this
/// node computes a part of it for another, and goes back to "loading" when parts are lost. Thread-safe: readers see one immutable
/// state, and a model whose loading ends after the node closed is disposed at once.</summary>
internal sealed class HostedModel : IProgress<double>, IDisposable
{
    private sealed record State(ModelStatus Status, MeteredModel? Model);

    private readonly ModelSource _source;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly long _start;
    private State _state;
    private ModelOutline? _outline;
    private int _answers;

    public HostedModel(ModelSource source, TimeProvider time, ILogger logger)
    {
        _source = source;
        _time = time;
        _logger = logger;
        _start = time.GetTimestamp();
        _state = new(new ModelStatus(source.Id, Name(source.Kind), "loading", 0, 0, "", "", 0, time.GetUtcNow(), null), null);
    }

    /// <summary>How its layers are shared out where it is larger than this silo allows.</summary>
    public StagedSource? Stages => _source.Stages;

    /// <summary>Of a model that is larger than this silo allows; null: it is not, or its file was not looked at yet.</summary>
    public ModelOutline? Outline => Volatile.Read(ref _outline);

    /// <summary>Completes when it is ready or failed, for the first time.</summary>
    public Task Settled => _settled.Task;

    public ModelStatus Status => Volatile.Read(ref _state).Status;

    /// <summary>Null: it cannot answer.</summary>
    public ModelLoad? Load
    {
        get
        {
            var (status, model) = Volatile.Read(ref _state);
            if (model is null) return null;
            var (used, _, capacity) = CacheOf(model);
            return new ModelLoad(status.Id, Volatile.Read(ref _answers), capacity - used, capacity);
        }
    }

    /// <summary>What it does now, whatever its state.</summary>
    public ModelView View
    {
        get
        {
            var (status, model) = Volatile.Read(ref _state);
            var (used, idle, capacity) = CacheOf(model);
            var (prompt, cached, sampled) = model?.Tokens ?? default;
            var users = model?.Users ?? [];
            return new(status.Id, status.Kind, status.State, status.Progress, status.Problem, users.Sum(user => user.Running), users.Sum(user => user.Waiting),
                capacity, used, idle, prompt, cached, sampled, [.. users.Select(user => new UserLoad(user.User, user.Running, user.Waiting))]);
        }
    }

    /// <summary>Pages: those that sequences hold, those that nobody does and that are kept for prompts that begin alike, and all there can be.</summary>
    private static (int Used, int Idle, int Capacity) CacheOf(MeteredModel? model)
    {
        var (used, idle, capacity, _) = model?.Inner switch { GgufChatModel gguf => gguf.Cache, AdaptedChatModel adapted => adapted.Cache, PacedChatModel paced => paced.Cache, _ => default };
        return (used, idle, capacity);
    }

    public void CountAnswers(int change) => Interlocked.Add(ref _answers, change);

    /// <exception cref="ChatException">It is loading still, or failed.</exception>
    public IChatModel Get()
    {
        var (status, model) = Volatile.Read(ref _state);
        return (model, status) switch
        {
            ({ } ready, _) => ready,
            (_, { State: "failed" }) => throw new ChatException(ChatError.ModelFailed,
                $"The model '{status.Id}' could not be loaded on this silo: {status.Problem}"),
            (_, { State: "stage" }) => throw new ChatException(ChatError.ModelLoading,
                $"The model '{status.Id}' answers on another silo; this one is there for a part of it. Try again soon.")
            {
                RetryAfter = TimeSpan.FromSeconds(1),
            },
            (_, { Problem: { } missing }) => throw new ChatException(ChatError.ModelLoading, $"The model '{status.Id}' is not loaded: {missing}")
            {
                RetryAfter = TimeSpan.FromSeconds(5),
            },
            _ => throw new ChatException(ChatError.ModelLoading,
                $"The model '{status.Id}' is loading on this silo ({status.Progress:P0}). Try again soon.")
            {
                RetryAfter = Remaining(status.Progress),
            },
        };
    }

    /// <summary>Loads on a thread of its own: mapping and checking a file of gigabytes would starve the thread pool, on which
    /// the silo answers its peers.</summary>
    public void StartLoading() => new Thread(LoadNow) { IsBackground = true, Name = $"load {_source.Id}" }.Start();

    public void Report(double value)
    {
        lock (_lock)
        {
            if (_state.Status.State == "loading")
                Publish(_state with { Status = _state.Status with { Progress = double.IsNaN(value) ? 0 : Math.Clamp(value, 0, 1) } });
        }
    }

    public void StopLoading()
    {
        lock (_lock) _closing.Cancel();
    }

    /// <summary>It can answer.</summary>
    public void Present(IChatModel model)
    {
        Accept(model);
        _settled.TrySetResult();
    }

    /// <summary>It cannot answer, or not any more: what runs breaks off.</summary>
    /// <param name="state">loading: it will when others are there; stage: another silo does.</param>
    /// <param name="problem">What is missing, for people; null: nothing is known to be.</param>
    public void Withdraw(string state, string? problem)
    {
        MeteredModel? model;
        lock (_lock)
        {
            model = _state.Model;
            Publish(new(_state.Status with { State = state, Progress = 0, Problem = problem }, null));
        }
        model?.Dispose();
    }

    public void Dispose()
    {
        MeteredModel? model;
        lock (_lock)
        {
            _closing.Cancel();
            model = _state.Model;
            Publish(_state with { Model = null });
        }
        model?.Dispose();
    }

    private void LoadNow()
    {
        try
        {
            if (Stages is { } stages && ModelOutline.Of(stages.Path) is var outline && outline.FileBytes > (long)stages.BudgetMiB << 20)
            {
                Volatile.Write(ref _outline, outline);
                return; // it can answer when silos have shared it out, see StageKeeper
            }
            Accept(_source.Load(this, _closing.Token));
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            Fail("the node is closing.");
        }
        catch (Exception problem)
        {
            // whatever it was, the node stays up to report it, and nothing takes the model's place
            _logger.LogError(problem, "Model {Model} could not be loaded: {Problem}", _source.Id, problem.Message);
            Fail(problem.Message);
        }
        _settled.TrySetResult();
    }

    private void Accept(IChatModel model)
    {
        var card = model.Card;
        lock (_lock)
        {
            if (!_closing.IsCancellationRequested)
            {
                var status = new ModelStatus(_source.Id, Name(card.Kind), "ready", 1, card.ContextLength, card.Architecture, card.ContentHash,
                    card.FileBytes, _time.GetUtcNow(), null);
                Publish(new(status with { Parent = card.Parent, Weights = card.Weights, Quantization = card.Quantization }, new MeteredModel(model)));
                _logger.LogInformation(
                    "Model {Model} ({Kind}, {Architecture}) is ready after {Seconds:F1} s: context {ContextLength} tokens, file {FileBytes} bytes",
                    _source.Id, Name(card.Kind), card.Architecture, _time.GetElapsedTime(_start).TotalSeconds, card.ContextLength, card.FileBytes);
                if (card.ContextCut is { } cut)
                    _logger.LogWarning("Model {Model} has a context of {ContextLength} tokens ({Cut})", _source.Id, card.ContextLength, cut);
                if (card.WithoutTwin is { } problem)
                    _logger.LogWarning("Model {Model} decodes slower than it could, without a twin of its weights: {Problem}", _source.Id, problem);
                return;
            }
        }
        model.Dispose();
        Fail("the node is closing.");
    }

    private void Fail(string problem)
    {
        lock (_lock) Publish(_state with { Status = _state.Status with { State = "failed", Problem = problem } });
    }

    private void Publish(State state) => Volatile.Write(ref _state, state);

    /// <summary>By the pace so far; between one second and one minute.</summary>
    private TimeSpan Remaining(double progress)
    {
        var elapsed = _time.GetElapsedTime(_start).TotalSeconds;
        return TimeSpan.FromSeconds(progress < 0.01 ? 5 : Math.Clamp(Math.Ceiling(elapsed * (1 - progress) / progress), 1, 60));
    }

    private static string Name(ModelKind kind) => kind switch
    {
        ModelKind.Real => "real",
        ModelKind.Demo => "demo",
        _ => "stub",
    };
}
