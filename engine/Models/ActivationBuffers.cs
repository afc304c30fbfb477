namespace SmolCluster.Engine.Models;

/// <summary>Where a step's activations of one format are.</summary>
/// <param name="rows">[tokens] rows.</param>
/// <param name="octets">Room for the same side by side, or null where no reader wants that.</param>
internal readonly unsafe struct ActivationBuffers(byte* rows, byte* octets)
{
    public byte* Rows { get; } = rows;

    public byte* Octets { get; } = octets;
}
