namespace SmolCluster.Engine.Serving;

/// <summary>
/// Chooses each step's tokens: every sequence that decodes gets its token first, then the rest of the step is filled with
/// prefill chunks, least-served user first, so that one user's long prompt cannot stall the others. Of sequences that need
/// the same page, the one furthest in it gets the turn of each, and the others find the page in the prefix index: many users
/// with one system prompt have it computed once. A pure function of the running sequences and the service counted so far; it
/// never sees a tensor.
/// </summary>
internal sealed class StepPlan(int maxTokens, int prefillBesideDecode)
{
    private readonly Dictionary<string, long> _service = [];

    /// <summary>How many tokens each chosen sequence computes in the next step, in batch order.</summary>
    public List<(SequenceRun Run, int Tokens)> Next(IReadOnlyList<SequenceRun> running)
    {
        ForgetAbsentUsers(running);
        List<(SequenceRun, int)> step = [.. running.Where(static r => r.Pending == 1).Take(maxTokens).Select(static r => (r, 1))];
        int room = step.Count == 0 ? maxTokens : Math.Min(prefillBesideDecode, maxTokens - step.Count);
        foreach (SequenceRun run in PrefillTurns(running).Distinct())
        {
            int tokens = Math.Min(room, run.Pending);
            if (tokens == 0)
            {
                break;
            }

            step.Add((run, tokens));
            room -= tokens;
        }

        return step;
    }

    /// <summary>Counts tokens computed for a user.</summary>
    public void Count(string user, int tokens) => _service[user] = _service.GetValueOrDefault(user) + tokens;

    private IEnumerable<SequenceRun> PrefillTurns(IReadOnlyList<SequenceRun> running) =>
        running.Where(static r => r.Pending > 1)
            .OrderBy(r => _service.GetValueOrDefault(r.Request.User))
            .Select(r => running.Where(r.CanAwait).MaxBy(static other => other.Cache.Length) ?? r);

    // a user who comes back starts level with the least served of those present: absence earns no credit and no debt
    private void ForgetAbsentUsers(IReadOnlyList<SequenceRun> running)
    {
        HashSet<string> present = [.. running.Select(static r => r.Request.User)];
        foreach (string absent in _service.Keys.Where(u => !present.Contains(u)).ToList())
        {
            _service.Remove(absent);
        }

        long least = _service.Count == 0 ? 0 : _service.Values.Min();
        foreach (string user in present)
        {
            _service.TryAdd(user, least);
        }
    }
}
