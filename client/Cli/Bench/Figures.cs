namespace SmolCluster.Cli.Bench;

/// <summary>From times to figures. One place for both contenders, so that both are counted alike.</summary>
internal static class Figures
{
    /// <param name="measured">Any but Load and Memory; of Start the part after loading.</param>
    /// <param name="reply">With times.</param>
    /// <exception cref="ContenderException">There are too few tokens to tell.</exception>
    public static double Of(BenchCase measured, ContenderReply reply)
    {
        double[][] times = reply.Times!;
        if (times.Length != measured.Users || times.Any(static user => user.Length == 0))
            throw new ContenderException("a prompt got no token");
        return measured.Measure switch
        {
            Measure.Prefill => measured.PromptTokens / times[0][0] * 1000,
            Measure.FirstToken or Measure.Start => times[0][0],
            Measure.Fairness => Gaps(reply) is var (alone, flooded) ? flooded / alone : throw new ContenderException("too few tokens came to tell their gaps"),
            _ => DecodeRate(times),
        };
    }

    /// <summary>Tokens a second of all users while all of them decode. Each user's rate is taken between its own first and last
    /// token in that span: counting tokens against common ends would be off by up to a step, 6 % at 16 users and 16 steps.</summary>
    public static double DecodeRate(double[][] times)
    {
        double start = times.Max(static user => user[0]);
        double end = times.Min(static user => user[^1]);
        double total = 0;
        foreach (double[] user in times)
        {
            double[] inside = [.. user.Where(time => time >= start && time <= end)];
            if (inside.Length < 2 || inside[^1] <= inside[0])
                throw new ContenderException("too few tokens came while all users were decoding");
            total += (inside.Length - 1) / (inside[^1] - inside[0]) * 1000;
        }

        return total;
    }

    /// <summary>Median gaps of all users' tokens: since all have begun until the flood, and from then on; null: too few came.</summary>
    public static (double Alone, double Flooded)? Gaps(ContenderReply reply)
    {
        double begun = reply.Times!.Max(static user => user[0]), from = reply.FloodedFrom ?? double.PositiveInfinity;
        (double From, double To)[] gaps = [.. reply.Times!.SelectMany(static user => user.Zip(user.Skip(1)))];
        // a step that the flood is not in yet, or is the first of, belongs to neither
        double? alone = Median([.. gaps.Where(gap => gap.From >= begun && gap.To <= from).Select(static gap => gap.To - gap.From)]);
        double? flooded = Median([.. gaps.Where(gap => gap.From >= from).Select(static gap => gap.To - gap.From)]);
        return alone is { } before && flooded is { } beside ? (before, beside) : null;
    }

    public static double? Median(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
            return null;
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
