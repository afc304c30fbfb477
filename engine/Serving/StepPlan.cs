namespace SmolCluster.Engine.Serving;

/// <summary>
/// Chooses each step's tokens: every sequence that decodes gets its token first; where few decode, they may bring drafted tokens
/// as well, because a step reads all weights for one token or for several; then the rest of the step is filled with
/// prefill chunks, least-served user first, so that one user's long prompt cannot stall the others. Of sequences that need
/// the same page, the one furthest in it gets the turn of each, and the others find the page in the prefix index: many users
/// with one system prompt have it computed once. A pure function of the running sequences and the service counted so far; it
/// never sees a tensor.
/// </summary>
internal sealed class StepPlan(int maxTokens, int prefillBesideDecode)
{
    /// <summary>Tokens of decoding sequences, drafted ones included, that a step computes while it waits for weights, more or
    /// less: beyond, a wrong draft costs as much as a right one saves.</summary>
    public const int CheapTokens = 1 + PromptLookup.Longest;

    private readonly Dictionary<string, long> _service = [];

    /// <summary>How many tokens each chosen sequence computes in the next step, in batch order; one that decodes brings drafted
    /// ones with all beyond its first.</summary>
    public List<(SequenceRun Run, int Tokens)> Next(IReadOnlyList<SequenceRun> running)
    {
        ForgetAbsentUsers(running);
        List<SequenceRun> decoding = [.. running.Where(static r => r.Pending == 1).Take(maxTokens)];
        List<(SequenceRun Run, int Tokens)> step = WithDrafts(decoding);
        int room = step.Count == 0 ? maxTokens : Math.Min(prefillBesideDecode, maxTokens - step.Sum(static s => s.Tokens));
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

    // what is cheap is shared evenly; what one does not want is there for those after it
    private List<(SequenceRun Run, int Tokens)> WithDrafts(List<SequenceRun> decoding)
    {
        List<(SequenceRun, int)> step = [];
        int room = Math.Min(CheapTokens, maxTokens) - decoding.Count;
        foreach (SequenceRun run in decoding)
        {
            int others = decoding.Count - step.Count;
            int drafted = room <= 0 ? 0 : run.Draft((room + others - 1) / others);
            step.Add((run, 1 + drafted));
            room -= drafted;
        }

        return step;
    }

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
