using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Pipeline;

/// <summary>What a stage is told when it is opened.</summary>
/// <param name="ContentHash">Of the model that it must be a part of.</param>
/// <param name="Pages">Of keys and values, as many as the batch loop's pool has.</param>
/// <param name="StepTokens">Tokens a step at most.</param>
/// <param name="Threads">Of a step.</param>
/// <param name="PinThreads">Whether each stays on a processor of its own.</param>
public sealed record StageOptions(string ContentHash, LayerRange Range, KvType KvType, int Pages, int StepTokens, ActivationType Activations, int Threads, bool PinThreads);

/// <summary>
/// Some layers of a model, computed for a <see cref="PipelinedPass"/> on another node. Of the mapped file only their weights are ever
/// read after it is opened, and it keeps keys and values of these layers only, in pages whose numbers the other node gives out. Steps
/// are computed in order of their numbers, one after the other, on one thread and its team. <see cref="Run"/> is called from any thread.
/// </summary>
public sealed class ModelStage : IDisposable
{
    /// <summary>Steps that wait at most: a batch loop has <see cref="StepParts.Most"/> on their way, or more where they are large.</summary>
    private const int MostWaiting = 256;

    private readonly StageOptions _options;
    private readonly GgufFile _file;
    private readonly ThreadTeam _team;
    private readonly KvPagePool _pool;
    private readonly Transformer _transformer;
    private readonly Dictionary<long, (StageStep Step, TaskCompletionSource<byte[]> Done)> _waiting = []; // and the lock for it
    private readonly Thread _loop;
    private long _next;
    private bool _stopping;

    private ModelStage(GgufFile file, StageOptions options)
    {
        _options = options;
        _file = file;
        ModelConfig config = ModelConfig.From(file);
        Transformer.RequireWholeLanes(file, config);
        if (Serving.ContentHash.Of(file) is var hash && hash != options.ContentHash)
        {
            throw new GgufException($"{file.Path}: the stage is of a model with content {options.ContentHash}; this file's is {hash}. Give all nodes the same file.");
        }

        if (options.Range is not { First: > 0, Count: > 0 } || options.Range.End > config.BlockCount)
        {
            throw new ArgumentException($"A stage has layers of 1 to {config.BlockCount - 1}, those with the first layer having the batch loop; {options.Range} were asked for.", nameof(options));
        }

        _pool = new KvPagePool(new KvLayout(config, options.KvType, options.Range.Count), options.Pages);
        _team = new ThreadTeam(options.Threads, options.PinThreads);
        _transformer = new Transformer(file, config, _team, options.StepTokens, range: options.Range);
        file.LeaveToPageCache();
        _loop = new Thread(Loop) { IsBackground = true, Name = "smol-stage" };
        _loop.Start();
    }

    public LayerRange Range => _options.Range;

    /// <exception cref="GgufException">The file cannot be used, or is another model's; the message says which.</exception>
    /// <exception cref="ArgumentException">The model has no such layers.</exception>
    public static ModelStage Open(string path, StageOptions options)
    {
        GgufFile file = GgufFile.Open(path);
        try
        {
            return new ModelStage(file, options);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <returns>[T][E] after the stage's layers.</returns>
    /// <exception cref="ArgumentException">The step is not whole, or came before.</exception>
    /// <exception cref="ObjectDisposedException">The stage was closed.</exception>
    public Task<byte[]> Run(StageStep step)
    {
        var done = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_waiting)
        {
            if (_stopping)
            {
                throw Closed();
            }

            if (step.Number < _next || _waiting.Count >= MostWaiting || !_waiting.TryAdd(step.Number, (step, done)))
            {
                throw new ArgumentException($"Step {step.Number} is not to be computed: {_next} is next, and {_waiting.Count} wait.", nameof(step));
            }

            Monitor.Pulse(_waiting);
        }

        return done.Task;
    }

    public void Dispose()
    {
        lock (_waiting)
        {
            _stopping = true;
            Monitor.Pulse(_waiting);
        }

        _loop.Join();
        _team.Dispose();
        _transformer.Dispose();
        _pool.Dispose();
        _file.Dispose();
    }

    private void Loop()
    {
        _team.PinCaller();
        while (Take() is var (step, done))
        {
            try
            {
                done.SetResult(Compute(step));
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        }

        foreach ((_, TaskCompletionSource<byte[]> done) in _waiting.Values)
        {
            done.SetException(Closed());
        }
    }

    // null: stop
    private (StageStep Step, TaskCompletionSource<byte[]> Done)? Take()
    {
        lock (_waiting)
        {
            (StageStep, TaskCompletionSource<byte[]>) next;
            while (!_waiting.Remove(_next, out next) && !_stopping)
            {
                Monitor.Wait(_waiting);
            }

            if (_stopping && next.Item1 is null)
            {
                return null;
            }

            _next++;
            return next;
        }
    }

    private ObjectDisposedException Closed() => new(nameof(ModelStage), $"The stage with {Range} was closed.");

    private byte[] Compute(StageStep step)
    {
        BatchSlice[] slices = [.. step.Slices.Select(Mirror)];
        long tokens = slices.Sum(static slice => (long)slice.Tokens.Length);
        if (tokens > _options.StepTokens)
        {
            throw new ArgumentException($"The step has {tokens} tokens; this stage takes {_options.StepTokens}.", nameof(step));
        }

        Span<float> hidden = _transformer.Hidden((int)tokens);
        HiddenRows.Read(_options.Activations, step.Hidden, hidden);
        _transformer.RunLayers(slices);
        return HiddenRows.Write(_options.Activations, hidden);
    }

    // which tokens they are is known where they are embedded; here it matters how many
    private BatchSlice Mirror(StageSlice slice)
    {
        if (slice.Position < 0 || slice.Count < 1 || slice.Count > _options.StepTokens || (long)slice.Position + slice.Count > (long)_options.Pages * KvLayout.PageLength
            || slice.Pages.Length != KvLayout.Pages(slice.Position + slice.Count))
        {
            throw new ArgumentException($"{slice.Count} tokens at position {slice.Position} with {slice.Pages.Length} pages are no step of this stage.", nameof(slice));
        }

        return new(KvSequence.Mirror(_pool, slice.Pages, slice.Position), new int[slice.Count], LogitRows.None);
    }
}
