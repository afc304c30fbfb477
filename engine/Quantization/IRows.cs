namespace SmolCluster.Engine.Quantization;

/// <summary>Rows of one tensor type, whatever the size of its blocks.</summary>
internal unsafe interface IRows
{
    static abstract ActivationFormat Activation { get; }

    /// <summary>See <see cref="RowDot.Run"/>.</summary>
    static abstract void Run<TDot>(byte* row, byte* activations, int columns, int tokens, float* destination, nint stride)
        where TDot : struct, ITileDot;

    /// <summary>How sixteen rows are laid side by side; empty (no bytes) where they are used as they lie.</summary>
    static abstract GroupLayout Layout { get; }

    /// <summary>See <see cref="RowDot.RunGroup"/>.</summary>
    static abstract void RunGroup<TDot>(byte* rows, nint rowBytes, TokenRows activations, int columns, int tokens, float* destination, nint stride)
        where TDot : struct, IGroupDot;

    /// <summary>See <see cref="RowDot.RunTwo"/>.</summary>
    static abstract void RunTwo<TDot>(byte* first, byte* second, byte* token, int columns, float* toFirst, float* toSecond)
        where TDot : struct, IGroupDot;

    /// <summary>See <see cref="Dequantizer.Row"/>.</summary>
    static abstract void Dequantize(byte* row, int columns, float* destination);
}
