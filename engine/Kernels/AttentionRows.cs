using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using SmolCluster.Engine.Caching;

namespace SmolCluster.Engine.Kernels;

/// <summary>
/// The rows of one tile of attention between pages: queries laid out by fours, and each row's largest score, sum of weights and
/// output so far. Rows go token by token, so that neighbours see equally much of a page but for the tile's last ones. The weights
/// of a row are summed in sixteen lanes, position j in lane j mod 16, which are folded once at the end.
/// </summary>
internal readonly unsafe struct AttentionRows
{
    /// <summary>Rows that are laid out together.</summary>
    public const int Quad = 4;

    /// <summary>The most that go through a page together.</summary>
    public const int Most = 2 * Quad;

    private const int Page = KvLayout.PageLength;

    private readonly int _headLength, _group, _firstPosition, _rows, _stride, _window;
    private readonly float* _output;
    private readonly float* _queries; // [quads][headLength][4]
    private readonly float* _lanes;   // [rows][16]
    private readonly float* _largest; // [rows]
    private readonly float* _spare;   // [headLength]: the output of rows that fill up the last four

    public AttentionRows(AttentionForm form, int headLength, int group, int firstPosition, int tokens, float* output, int stride, float* scratch)
    {
        (_headLength, _group, _firstPosition, _rows, _stride, _window) = (headLength, group, firstPosition, tokens * group, stride, form.Window);
        _output = output;
        Quads = (_rows + Quad - 1) / Quad;
        (Scale, Cap) = (form.Scale, form.Cap);
        FirstPage = Math.Max(0, firstPosition + 1 - _window) / Page;
        LastPage = (firstPosition + tokens - 1) / Page;
        Scores = scratch;
        ValueScales = Scores + Most * Page;
        _spare = ValueScales + Page * headLength / Lanes.Count;
        _queries = _spare + headLength;
        _lanes = _queries + Quads * Quad * headLength;
        _largest = _lanes + Quads * Quad * Lanes.Count;
    }

    public int Quads { get; }

    /// <summary>The first page of which any row sees a position.</summary>
    public int FirstPage { get; }

    public int LastPage { get; }

    /// <summary>Multiplies every score.</summary>
    public float Scale { get; }

    /// <summary>What no score's size exceeds; 0: none.</summary>
    public float Cap { get; }

    /// <summary>[8][Page]: scores, then weights, of the rows at work.</summary>
    public float* Scores { get; }

    /// <summary>[Page][headLength / 32], of the page at work.</summary>
    public float* ValueScales { get; }

    public static int ScratchLength(int headLength, int rows)
    {
        int whole = (rows + Quad - 1) / Quad * Quad;
        return Most * Page + Page * headLength / Lanes.Count + headLength + whole * (headLength + Lanes.Count + 1);
    }

    public float* Queries(int quad) => _queries + quad * Quad * _headLength;

    /// <param name="queries">[tokens][stride]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Begin(float* queries)
    {
        new Span<float>(_spare, _headLength).Clear();
        new Span<float>(_lanes, _rows * Lanes.Count).Clear();
        new Span<float>(_largest, _rows).Fill(float.NegativeInfinity);
        for (int row = 0; row < Quads * Quad; row++)
        {
            float* to = _queries + row / Quad * Quad * _headLength + row % Quad;
            float* from = queries + At(row);
            for (int i = 0; i < _headLength; i++)
            {
                to[i * Quad] = row < _rows ? from[i] : 0;
            }

            new Span<float>(Output(row), _headLength).Clear();
        }
    }

    /// <summary>How many of a page's positions come before the end of what a row sees.</summary>
    /// <param name="row">Of the tile.</param>
    /// <param name="page">Of the sequence.</param>
    /// <param name="beyond">The answer for a row that only fills up the last four.</param>
    public int Visible(int row, int page, int beyond) =>
        row >= _rows ? beyond : Math.Clamp(_firstPosition + row / _group + 1 - page * Page, 0, Page);

    /// <summary>The fewest and the most positions that a row of these quads sees.</summary>
    public (int Least, int Most) VisibleOf(int quad, int quads, int page) =>
        (Visible(quad * Quad, page, 0), Visible(Math.Min((quad + quads) * Quad, _rows) - 1, page, 0));

    /// <summary>How many of a page's positions come before a row's window; all for a row that only fills up the last four.</summary>
    public int Hidden(int row, int page) =>
        row >= _rows ? Page : Math.Clamp(_firstPosition + row / _group + 1 - _window - page * Page, 0, Page);

    /// <summary>The fewest and the most positions that lie before the windows of these quads.</summary>
    public (int Least, int Most) HiddenOf(int quad, int quads, int page) =>
        (Hidden(quad * Quad, page), Hidden(Math.Min((quad + quads) * Quad, _rows) - 1, page));

    /// <summary>Turns the scores of these quads' rows into weights; what a row does not see has none. Gives the rows' outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Weigh(int quad, int quads, int page, float** output)
    {
        for (int i = 0; i < quads * Quad; i++)
        {
            int row = quad * Quad + i;
            output[i] = Output(row);
            int visible = Visible(row, page, 0), hidden = Hidden(row, page);
            if (visible > hidden)
            {
                if (hidden > 0)
                {
                    new Span<float>(Scores + i * Page, hidden).Fill(float.NegativeInfinity);
                }

                Weigh(row, Scores + i * Page, visible, output[i]);
            }
        }
    }

    /// <summary>Divides each row by its sum of weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void End()
    {
        for (int row = 0; row < _rows; row++)
        {
            Multiply(Output(row), 1 / Lanes.Fold(Vector512.Load(_lanes + row * Lanes.Count)));
        }
    }

    /// <summary>Scales of the positions of a page that any row sees, to F32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void WidenScales(int page, ushort* scales)
    {
        int count = Visible(_rows - 1, page, 0) * _headLength / KvLayout.BlockLength;
        for (int i = 0; i < count; i += Lanes.Count)
        {
            HalfFloats.Load(scales + i).Store(ValueScales + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Weigh(int row, float* scores, int visible, float* output)
    {
        Vector512<float> top = Vector512.Create(float.NegativeInfinity);
        for (int j = 0; j < Page; j += Lanes.Count)
        {
            Vector512<float> seen = Vector512.LessThan(Lanes.Indices, Vector512.Create((float)(visible - j)));
            Vector512<float> score = Vector512.ConditionalSelect(seen, Vector512.Load(scores + j), Vector512.Create(float.NegativeInfinity));
            score.Store(scores + j);
            top = Vector512.Max(top, score);
        }

        float before = _largest[row], largest = MathF.Max(before, Lanes.Max(top));
        Vector512<float> sum = Vector512.Load(_lanes + row * Lanes.Count);
        if (largest > before && before != float.NegativeInfinity)
        {
            float shrink = ExactMath.Exp(before - largest);
            sum *= shrink;
            Multiply(output, shrink);
        }

        _largest[row] = largest;
        for (int j = 0; j < Page; j += Lanes.Count)
        {
            Vector512<float> weight = ExactMath.Exp(Vector512.Load(scores + j) - Vector512.Create(largest));
            sum += weight;
            weight.Store(scores + j);
        }

        sum.Store(_lanes + row * Lanes.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Multiply(float* x, float factor)
    {
        for (int i = 0; i < _headLength; i += Lanes.Count)
        {
            (Vector512.Load(x + i) * factor).Store(x + i);
        }
    }

    private float* Output(int row) => row < _rows ? _output + At(row) : _spare;

    private long At(int row) => (long)(row / _group) * _stride + row % _group * _headLength;
}
