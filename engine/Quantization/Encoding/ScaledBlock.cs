namespace SmolCluster.Engine.Quantization.Encoding;

/// <summary>256 weights as d · scale · q: fits each sub-block alone, then finds integer scales and the one d that they share,
/// solving for d and trying the neighbours of each scale in turns.</summary>
internal unsafe ref struct ScaledBlock<TGrid>
    where TGrid : struct, IGrid
{
    private const int Length = 256;
    private const int Rounds = 2;

    private readonly float* _x, _w;
    private readonly int _sub, _low, _high;

    /// <param name="x">[256] weights.</param>
    /// <param name="w">[256] how much each one's error counts.</param>
    /// <param name="subLength">Weights that share a scale.</param>
    /// <param name="low">The lowest integer scale; its magnitude is the largest.</param>
    /// <param name="high">The highest.</param>
    /// <param name="scales">[256 / subLength] written.</param>
    /// <param name="q">[256] written.</param>
    public ScaledBlock(float* x, float* w, int subLength, int low, int high, int* scales, float* q)
    {
        _x = x;
        _w = w;
        (_sub, _low, _high) = (subLength, low, high);
        float* fits = stackalloc float[Length / subLength];
        float extreme = 0;
        for (int s = 0; s < Length / subLength; s++)
        {
            fits[s] = ScaleFit<TGrid>.Best(x + (s * subLength), w + (s * subLength), subLength);
            extreme = MathF.Abs(fits[s]) > MathF.Abs(extreme) ? fits[s] : extreme;
        }

        Search(extreme / low, fits, scales, q);
    }

    /// <summary>The bits of d.</summary>
    public ushort Scale { get; private set; }

    private void Search(float d, float* fits, int* scales, float* q)
    {
        int subs = Length / _sub;
        int* trial = stackalloc int[subs];
        float* trialQ = stackalloc float[Length];
        float best = float.PositiveInfinity;
        for (int s = 0; s < subs; s++)
            trial[s] = d == 0 ? 0 : Math.Clamp((int)MathF.Round(fits[s] / d), _low, _high);
        for (int round = 0; round <= Rounds; round++)
        {
            ushort bits = EncodeBlock32.Half(d);
            float error = Assign(HalfBits.ToSingle(bits), trial, trialQ);
            if (!(error < best))
                return;
            (best, Scale) = (error, bits);
            new ReadOnlySpan<int>(trial, subs).CopyTo(new Span<int>(scales, subs));
            new ReadOnlySpan<float>(trialQ, Length).CopyTo(new Span<float>(q, Length));
            d = Solve(trial, trialQ, d);
        }
    }

    /// <summary>The best of each scale and its neighbours, with their quants.</summary>
    private readonly float Assign(float d, int* scales, float* q)
    {
        float total = 0;
        float* trial = stackalloc float[_sub];
        for (int s = 0; s < Length / _sub; s++)
        {
            int middle = scales[s];
            float best = float.PositiveInfinity;
            for (int scale = Math.Max(_low, middle - 1); scale <= Math.Min(_high, middle + 1); scale++)
            {
                float error = ScaleFit<TGrid>.Round(_x + (s * _sub), _w + (s * _sub), _sub, d * scale, trial);
                if (error < best)
                {
                    (best, scales[s]) = (error, scale);
                    new ReadOnlySpan<float>(trial, _sub).CopyTo(new Span<float>(q + (s * _sub), _sub));
                }
            }

            total += best;
        }

        return total;
    }

    private readonly float Solve(int* scales, float* q, float otherwise)
    {
        double product = 0, square = 0;
        for (int i = 0; i < Length; i++)
        {
            double value = scales[i / _sub] * q[i];
            product += _w[i] * value * _x[i];
            square += _w[i] * value * value;
        }

        return square > 0 ? (float)(product / square) : otherwise;
    }
}
