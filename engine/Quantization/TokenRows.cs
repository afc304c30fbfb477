namespace SmolCluster.Engine.Quantization;

/// <summary>Some tokens' activations, as a matrix reads them.</summary>
/// <param name="rows">[tokens] rows of <see cref="Activations.RowBytes"/>.</param>
/// <param name="octets">The same side by side, [columns / 256][octets], where <see cref="RowDot.RunGroup"/> takes several tokens of a
/// quantized format; else null.</param>
/// <param name="octetsApart">Bytes from an octet's 256 columns to its next.</param>
public readonly unsafe struct TokenRows(byte* rows, byte* octets, nint octetsApart)
{
    public byte* Rows { get; } = rows;

    internal byte* Octets { get; } = octets;

    internal nint OctetsApart { get; } = octetsApart;

    /// <summary>From a token on, a multiple of 8.</summary>
    internal TokenRows From(int token, int rowBytes, ActivationFormat format) => new(Rows + (nint)token * rowBytes,
        Octets == null ? null : Octets + (nint)(token / Quantization.Octets.Tokens) * Quantization.Octets.RecordBytes(format), OctetsApart);
}
