namespace SmolCluster.Engine.Models;

/// <summary>A text as one vector: the mean of its tokens' last hidden states, after the output's norm, scaled to length 1. Summed in the order
/// of the tokens, in double: chunks and neighbours change no bit of it.</summary>
public sealed class PooledStates
{
    private readonly double[] _sum;

    /// <param name="length">The model's embedding length.</param>
    public PooledStates(int length) => _sum = new double[length];

    /// <summary>Before the first token, also where a text is computed anew.</summary>
    internal void Restart() => Array.Clear(_sum);

    internal void Add(ReadOnlySpan<float> state)
    {
        for (int i = 0; i < _sum.Length; i++)
        {
            _sum[i] += state[i];
        }
    }

    /// <summary>Of length 1; the sum and the mean point the same way.</summary>
    /// <exception cref="InvalidOperationException">There is no direction: a state is no number, or all are 0.</exception>
    public float[] ToVector()
    {
        double square = 0;
        foreach (double value in _sum)
        {
            square += value * value;
        }

        double length = Math.Sqrt(square);
        return double.IsFinite(length) && length > 0 ? Array.ConvertAll(_sum, value => (float)(value / length))
            : throw new InvalidOperationException($"The hidden states add up to a vector of length {length}; the model's weights or activations overflowed.");
    }
}
