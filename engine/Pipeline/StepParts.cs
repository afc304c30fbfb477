using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Pipeline;

/// <summary>
/// Parts a step, so that one stage computes a part while the next stage computes the part before. Each part reads all of a stage's
/// weights, which takes as long as some tokens' arithmetic: parts of fewer tokens would cost more than the overlap gives, and few
/// users that decode gain as much from one step together. A long prompt's chunk is parted as well; its parts stay in order, since
/// every stage computes what it gets in order. By the numerics contract no bit depends on it.
/// </summary>
internal static class StepParts
{
    /// <summary>Tokens of a part, by the pace of SmolLM3-3B (<see cref="Serving.StepPace.SmolLM3"/>): a step's weights cost as much as
    /// five tokens, so that by estimate, with two stages, 32 tokens in two parts take 0.86 times as long as in one, 128 in four 0.7 times.</summary>
    public const int FewestTokens = 16;

    /// <summary>Parts of a step.</summary>
    public const int Most = 4;

    /// <param name="slices">Of a step.</param>
    /// <param name="fewest">Tokens that are worth a part of their own.</param>
    /// <param name="most">Tokens of a part at most.</param>
    /// <returns>In order; each sequence at most once in each.</returns>
    public static List<BatchSlice[]> Of(ReadOnlySpan<BatchSlice> slices, int fewest, int most)
    {
        int tokens = 0;
        foreach (BatchSlice slice in slices)
        {
            tokens += slice.Tokens.Length;
        }

        int number = Math.Clamp(tokens / fewest, 1, Most), length = Math.Min((tokens + number - 1) / number, most);
        List<BatchSlice[]> parts = [];
        List<BatchSlice> part = [];
        int room = length;
        foreach (BatchSlice slice in slices)
        {
            for (int at = 0, count; at < slice.Tokens.Length; at += count)
            {
                count = Math.Min(room, slice.Tokens.Length - at);
                part.Add(slice with { Tokens = slice.Tokens.Slice(at, count) });
                room -= count;
                if (room == 0)
                {
                    parts.Add([.. part]);
                    part.Clear();
                    room = length;
                }
            }
        }

        if (part.Count > 0)
        {
            parts.Add([.. part]);
        }

        return parts;
    }
}
