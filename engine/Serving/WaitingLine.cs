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

    /// <summary>Takes back one whose user had more than others: it goes before all others of its user.</summary>
    public void GiveWay(SequenceRun run)
    {
        run.WasAdmitted = false;
        _runs.AddFirst(run);
    }

    /// <summary>Who comes next, or null: who had to give its pages up; then of the user with the fewest answers in the batch for its
    /// weight, and among those of the one with the fewest tokens computed; then who came first.</summary>
    public SequenceRun? Next(IReadOnlyCollection<SequenceRun> running, FairShares shares)
    {
        if (_runs.First is { Value: { WasAdmitted: true } returned })
        {
            return returned;
        }

        Dictionary<string, int> answers = running.CountBy(static r => r.Request.User).ToDictionary();
        return _runs.MinBy(r => (answers.GetValueOrDefault(r.Request.User) / r.Request.Weight, shares.Of(r.Request.User)));
    }

    /// <summary>Which of those in the batch gives way to one that waits: the last of the user who has most, if that user still has
    /// no less than the other afterwards, each for their weight; null: all have their share.</summary>
    public static SequenceRun? GivesWay(IReadOnlyCollection<SequenceRun> running, SequenceRun next)
    {
        Dictionary<string, int> answers = running.CountBy(static r => r.Request.User).ToDictionary();
        SequenceRun? last = running.Reverse().MaxBy(r => (answers[r.Request.User] - 1) / r.Request.Weight);
        return last is not null && (answers[last.Request.User] - 1) / last.Request.Weight
            >= (answers.GetValueOrDefault(next.Request.User) + 1) / next.Request.Weight ? last : null;
    }

    public void Remove(SequenceRun run) => _runs.Remove(run);

    public void Clear() => _runs.Clear();
}
