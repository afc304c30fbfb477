namespace SmolCluster.Engine.Quantization.Encoding;

/// <summary>256 weights as d · scale · q − dmin · minimum, scales and minimums unsigned: fits each sub-block alone, then finds
/// the integers and the two floats that they share, solving for these and trying the neighbours of those in turns.</summary>
internal unsafe ref struct AffineBlock
{
    private const int Length = 256;
    private const int Rounds = 2;

    private readonly float* _x, _w;
    private readonly int _sub, _largestQuant, _largestScale;

    /// <param name="x">[256] weights.</param>
    /// <param name="w">[256] how much each one's error counts.</param>
    /// <param name="subLength">Weights that share a scale and a minimum.</param>
    /// <param name="largestQuant">Quants go from 0 to this.</param>
    /// <param name="largestScale">Scales and minimums go from 0 to this.</param>
    /// <param name="scales">[256 / subLength] written.</param>
    /// <param name="minimums">[256 / subLength] written.</param>
    /// <param name="q">[256] written.</param>
    public AffineBlock(float* x, float* w, int subLength, int largestQuant, int largestScale, int* scales, int* minimums, float* q)
    {
        _x = x;
        _w = w;
        (_sub, _largestQuant, _largestScale) = (subLength, largestQuant, largestScale);
        int subs = Length / subLength;
        Line* fits = stackalloc Line[subs];
        float scale = 0, minimum = 0;
        for (int s = 0; s < subs; s++)
        {
            fits[s] = AffineFit.Best(x + (s * subLength), w + (s * subLength), subLength, largestQuant, offsetAboveZero: false);
            (scale, minimum) = (MathF.Max(scale, fits[s].Scale), MathF.Max(minimum, -fits[s].Offset));
        }

        Search(scale / largestScale, minimum / largestScale, fits, scales, minimums, q);
    }

    /// <summary>The bits of d.</summary>
    public ushort Scale { get; private set; }

    /// <summary>The bits of dmin.</summary>
    public ushort MinimumScale { get; private set; }

    private void Search(float d, float dmin, Line* fits, int* scales, int* minimums, float* q)
    {
        int subs = Length / _sub;
        int* trial = stackalloc int[2 * subs];
        int* trialMinimums = trial + subs;
        float* trialQ = stackalloc float[Length];
        float best = float.PositiveInfinity;
        for (int s = 0; s < subs; s++)
            (trial[s], trialMinimums[s]) = (Integer(fits[s].Scale, d), Integer(-fits[s].Offset, dmin));
        for (int round = 0; round <= Rounds; round++)
        {
            (ushort bits, ushort minimumBits) = (EncodeBlock32.Half(d), EncodeBlock32.Half(dmin));
            float error = Assign(HalfBits.ToSingle(bits), HalfBits.ToSingle(minimumBits), trial, trialMinimums, trialQ);
            if (!(error < best))
                return;
            (best, Scale, MinimumScale) = (error, bits, minimumBits);
            new ReadOnlySpan<int>(trial, subs).CopyTo(new Span<int>(scales, subs));
            new ReadOnlySpan<int>(trialMinimums, subs).CopyTo(new Span<int>(minimums, subs));
            new ReadOnlySpan<float>(trialQ, Length).CopyTo(new Span<float>(q, Length));
            (d, dmin) = Solve(trial, trialMinimums, trialQ, d, dmin);
        }
    }

    private readonly int Integer(float value, float unit) => unit == 0 ? 0 : Math.Clamp((int)MathF.Round(value / unit), 0, _largestScale);

    /// <summary>The best pair of scale and minimum among the neighbours of each sub-block's, with its quants.</summary>
    private readonly float Assign(float d, float dmin, int* scales, int* minimums, float* q)
    {
        float total = 0;
        float* trial = stackalloc float[_sub];
        for (int s = 0; s < Length / _sub; s++)
        {
            (int scale, int minimum) = (scales[s], minimums[s]);
            float best = float.PositiveInfinity;
            for (int at = 0; at < 9; at++)
            {
                int a = Math.Clamp(scale + (at / 3) - 1, 0, _largestScale), b = Math.Clamp(minimum + (at % 3) - 1, 0, _largestScale);
                float error = AffineFit.Round(_x + (s * _sub), _w + (s * _sub), _sub, _largestQuant, new Line(d * a, -(dmin * b)), trial);
                if (error < best)
                {
                    (best, scales[s], minimums[s]) = (error, a, b);
                    new ReadOnlySpan<float>(trial, _sub).CopyTo(new Span<float>(q + (s * _sub), _sub));
                }
            }

            total += best;
        }

        return total;
    }

    // x = d · a − dmin · b with a = scale · q and b = minimum: two unknowns
    private readonly (float D, float DMin) Solve(int* scales, int* minimums, float* q, float d, float dmin)
    {
        double aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
        for (int i = 0; i < Length; i++)
        {
            double a = scales[i / _sub] * q[i], b = minimums[i / _sub], wa = _w[i] * a, wb = _w[i] * b;
            aa += wa * a;
            ab += wa * b;
            bb += wb * b;
            xa += wa * _x[i];
            xb += wb * _x[i];
        }

        double determinant = (aa * bb) - (ab * ab);
        if (!(determinant > 1e-9 * aa * bb))
            return (aa > 0 && bb == 0 ? (float)(xa / aa) : d, dmin);
        double scale = ((xa * bb) - (xb * ab)) / determinant, minimum = ((xa * ab) - (xb * aa)) / determinant;
        return scale > 0 && minimum >= 0 ? ((float)scale, (float)minimum) : (d, dmin);
    }
}
