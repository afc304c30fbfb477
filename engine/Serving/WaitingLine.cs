namespace SmolCluster.Engine.Serving;

/// <summary>
/// Requests that wait for the batch, in a bounded number of places. A user may take as many as are then still free: one alone
/// gets half of them, the next one half of the rest, so that nobody, however many requests they send, can leave no place for
/// others. Not thread-safe: the scheduler holds its lock.
/// </summary>
internal sealed class WaitingLine(int places)
{
    private readonly LinkedList<SequenceRun> _runs = new();

    public IReadOnlyCollection<SequenceRun> Runs => _runs;

    /// <exception cref="QueueFullException">All places are taken, or as many by this user as one may take.</exception>
    public void Join(SequenceRun run)
    {
        int taken = _runs.Count, own = _runs.Count(other => other.Request.User == run.Request.User);
        if (taken >= places)
        {
            throw new QueueFullException($"{taken} requests wait for this model already, the most this node queues. Try again shortly.");
        }

        if (own >= places - taken)
        {
            throw new QueueFullException($"{own} of your requests wait for this model already, beside {taken - own} of others; of {places} places " +
                "on this node the rest are kept for others. Try again shortly.");
        }

        _runs.AddLast(run);
    }

    /// <summary>Takes back one that had to give its pages up: it goes before all others.</summary>
    public void Return(SequenceRun run) => _runs.AddFirst(run);

    /// <summary>Who comes next, or null: who was in the batch already; then of the user with the fewest answers in it, and among
    /// those of the one with the fewest tokens computed; then who came first.</summary>
    public SequenceRun? Next(IReadOnlyCollection<SequenceRun> running, FairShares shares)
    {
        if (_runs.First is { Value: { WasAdmitted: true } returned })
        {
            return returned;
        }

        Dictionary<string, int> answers = running.CountBy(static r => r.Request.User).ToDictionary();
        return _runs.MinBy(r => (answers.GetValueOrDefault(r.Request.User), shares.Of(r.Request.User)));
    }

    public void Remove(SequenceRun run) => _runs.Remove(run);

    public void Clear() => _runs.Clear();
}
