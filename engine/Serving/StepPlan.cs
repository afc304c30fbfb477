namespace SmolCluster.Engine.Serving;

/// <summary>
/// Chooses each step's tokens: every sequence that decodes gets its token first, but that one user's many answers take turns
/// where others decode too (<see cref="Rows"/>); where few decode, they may bring drafted tokens as well, because a step reads all weights for one token or for several; then come prefill chunks, least-served user first,
/// and beside decoding sequences only so much of them that the step takes <see cref="Stretch"/> times as long at most: a prompt
/// of any length, and a user who sends one after another, slows the others' answers by that and no more. Of sequences that need
/// the same page, the one furthest in it gets the turn of each, and the others find the page in the prefix index: many users
/// with one system prompt have it computed once. A pure function of the running sequences and the shares counted so far; it
/// never sees a tensor or a clock.
/// </summary>
internal sealed class StepPlan(int maxTokens, StepCost cost, FairShares shares)
{
    /// <summary>Tokens that a step computes while it waits for weights, more or less. Of decoding sequences, drafted tokens
    /// included, it takes no more than that: beyond, a wrong draft costs as much as a right one saves.</summary>
    public const int CheapTokens = 8;

    /// <summary>How much longer prefill may make a step in which others decode.</summary>
    public const double Stretch = 1.6;

    /// <summary>Prefill tokens of a step whatever they cost: a prompt gets on.</summary>
    public const int FewestPrefill = 4;

    /// <summary>How many tokens each chosen sequence computes in the next step, in batch order; one that decodes brings drafted
    /// ones with all beyond its first.</summary>
    public List<(SequenceRun Run, int Tokens)> Next(IReadOnlyList<SequenceRun> running)
    {
        List<SequenceRun> decoding = [.. Rows([.. running.Where(static r => r.Pending == 1)]).Take(maxTokens)];
        List<(SequenceRun Run, int Tokens)> step = WithDrafts(decoding);
        int room = maxTokens - step.Sum(static s => s.Tokens);
        double budget = decoding.Count == 0 ? double.PositiveInfinity : Budget(decoding, step);
        int fewest = FewestPrefill;
        foreach (SequenceRun run in PrefillTurns(running).Distinct())
        {
            double each = cost.At(run.Cache.Length);
            int affordable = Math.Max(fewest, (int)Math.Min(maxTokens, budget / each));
            int tokens = Math.Min(Math.Min(room, run.Pending), affordable);
            if (tokens == 0)
            {
                break;
            }

            step.Add((run, tokens));
            room -= tokens;
            budget -= tokens * each;
            fewest = 0;
        }

        return step;
    }

    /// <summary>Those that decode in this step. Where several users do, the one with most answers has no more rows than the one with
    /// next most, or than are cheap beside the others': a flood of one user must not make everyone's step as long as a full batch's.
    /// Those of its answers that waited longest have their turn.</summary>
    private static List<SequenceRun> Rows(List<SequenceRun> decoding)
    {
        var users = decoding.GroupBy(static r => r.Request.User).Select(static own => (Runs: own.ToList(), own.First().Request.Weight))
            .OrderByDescending(static own => own.Runs.Count / own.Weight).ToList();
        if (users.Count < 2)
        {
            return decoding;
        }

        var (most, weight) = users[0];
        int others = decoding.Count - most.Count;
        int rows = Math.Max((int)Math.Ceiling(users[1].Runs.Count / users[1].Weight * weight), CheapTokens - others);
        if (most.Count <= rows)
        {
            return decoding;
        }

        HashSet<SequenceRun> wait = [.. most.OrderBy(static r => r.LastStep).Skip(rows)];
        return [.. decoding.Where(r => !wait.Contains(r))];
    }

    // what prefill may cost beside these, in tokens at the beginning of a text
    private double Budget(List<SequenceRun> decoding, List<(SequenceRun Run, int Tokens)> step)
    {
        double alone = Math.Max(CheapTokens, decoding.Sum(r => cost.At(r.Cache.Length)));
        double taken = step.Sum(s => s.Tokens * cost.At(s.Run.Cache.Length));
        return Math.Max(0, Stretch * alone - taken);
    }

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
            .OrderBy(r => shares.Of(r.Request.User))
            .Select(r => running.Where(r.CanAwait).MaxBy(static other => other.Cache.Length) ?? r);
}
