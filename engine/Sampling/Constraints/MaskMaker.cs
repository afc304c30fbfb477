namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>Makes masks of one constraint beside the batch loop, one after the other, in turns for all answers that wait: on one thread
/// of the pool at most, for they need the same lock, and threads that waited for it would be missed elsewhere. Thread-safe.</summary>
internal sealed class MaskMaker : IThreadPoolWorkItem
{
    private readonly Queue<StepMasks> _wanted = new(); // and the lock
    private bool _runs;

    public void Add(StepMasks masks)
    {
        lock (_wanted)
        {
            _wanted.Enqueue(masks);
            if (_runs) return;
            _runs = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        while (Next() is { } masks)
        {
            if (masks.MakeNext()) Return(masks);
        }
    }

    private StepMasks? Next()
    {
        lock (_wanted)
        {
            _runs = _wanted.TryDequeue(out StepMasks? masks);
            return masks;
        }
    }

    private void Return(StepMasks masks)
    {
        lock (_wanted) _wanted.Enqueue(masks);
    }
}
