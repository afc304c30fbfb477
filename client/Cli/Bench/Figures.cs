namespace SmolCluster.Cli.Bench;

/// <summary>From times to figures. One place for both contenders, so that both are counted alike.</summary>
internal static class Figures
{
    /// <param name="measured">Prefill, FirstToken or Decode.</param>
    /// <param name="times">[user][token], ms since the request.</param>
    /// <exception cref="ContenderException">There are too few tokens to tell.</exception>
    public static double Of(BenchCase measured, double[][] times)
    {
        if (times.Length != measured.Users || times.Any(static user => user.Length == 0))
            throw new ContenderException("a prompt got no token");
        return measured.Measure switch
        {
            Measure.Prefill => measured.PromptTokens / times[0][0] * 1000,
            Measure.FirstToken => times[0][0],
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

    public static double? Median(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
            return null;
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
