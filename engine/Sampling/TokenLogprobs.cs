using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Sampling;

/// <summary>How likely a drawn token and the likeliest ones were to the model: natural logarithms of the softmax over its own logits, before
/// biases, penalties, temperature and constraints, so they tell of the model and not of the request's settings.</summary>
/// <param name="Top">Likeliest first, ties by id.</param>
public sealed record TokenLogprobs(int Token, float Logprob, IReadOnlyList<(int Token, float Logprob)> Top)
{
    /// <summary>The same bits on every machine: the sum is taken in double in the order of ids, by <see cref="SamplingMath"/>.</summary>
    /// <param name="logits">[vocabulary], as the model gave them.</param>
    /// <param name="top">How many of the likeliest.</param>
    internal static TokenLogprobs Of(ReadOnlySpan<float> logits, int token, int top)
    {
        (int Token, float Logit)[] likeliest = Likeliest(logits, Math.Max(1, top));
        float largest = likeliest[0].Logit;
        double total = largest + ExactMath.Log(Sampler.TotalWeight(logits, largest, temperature: 1));
        return new(token, (float)(logits[token] - total), [.. likeliest.Take(top).Select(one => (one.Token, (float)(one.Logit - total)))]);
    }

    private static (int Token, float Logit)[] Likeliest(ReadOnlySpan<float> logits, int count)
    {
        var best = new (int Token, float Logit)[Math.Min(count, logits.Length)];
        int held = 0;
        for (int token = 0; token < logits.Length; token++)
        {
            float logit = logits[token];
            if (held == best.Length && !(logit > best[^1].Logit))
                continue;
            int place = held < best.Length ? held++ : held - 1;
            for (; place > 0 && logit > best[place - 1].Logit; place--)
                best[place] = best[place - 1];
            best[place] = (token, logit);
        }
        return best;
    }
}
