using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Serving;

/// <summary>What computing a token costs, in units of one at the beginning of a text: the weights cost every token the same,
/// attention by what lies before it.</summary>
/// <param name="PerPosition">Added for each token before it.</param>
internal readonly record struct StepCost(double PerPosition)
{
    /// <summary>Attention computes in F32, the products with weights in 8 bits: so many times the work in the same time.</summary>
    private const double FloatCost = 3;

    public static StepCost Of(ModelConfig config)
    {
        double heads = (double)config.HeadCount * config.HeadLength, pairs = (double)config.HeadCountKv * config.HeadLength;
        double weights = config.EmbeddingLength * (2 * heads + 2 * pairs + 3.0 * config.FeedForwardLength);
        return new(FloatCost * 2 * heads / weights);
    }

    public double At(int position) => 1 + PerPosition * position;
}
