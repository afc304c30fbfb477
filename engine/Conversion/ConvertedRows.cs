using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Quantization;
using SmolCluster.Engine.Quantization.Encoding;

namespace SmolCluster.Engine.Conversion;

/// <summary>A checkpoint tensor's rows in a GGUF type, some whole heads at a time, front to back.</summary>
internal sealed unsafe class ConvertedRows
{
    private const long WindowWeights = 4L << 20;

    private readonly string _folder;
    private readonly SourceTensor _tensor;
    private readonly GgmlType _type;
    private readonly int _head, _threads, _columns, _rows;
    private readonly float _added;
    private readonly long _rowBytes, _rowCount;
    private byte[] _window = [];
    private long _first = -1;

    /// <param name="head">Rows of a head to lay out for pairs side by side; 0: rows stay as they are.</param>
    /// <param name="added">To every weight.</param>
    public ConvertedRows(string folder, SourceTensor tensor, GgmlType type, int head, float added, int threads)
    {
        (_folder, _tensor, _type, _head, _added, _threads) = (folder, tensor, type, head, added, threads);
        _columns = checked((int)tensor.Shape[^1]);
        _rowCount = SourceTensor.Count(tensor.Shape) / _columns;
        BlockFormat.TryGet(type, out BlockFormat format);
        _rowBytes = (long)_columns / format.Length * format.Bytes;
        long rows = Math.Clamp(WindowWeights / _columns, 1, _rowCount);
        _rows = checked((int)(head == 0 ? rows : Math.Max(head, rows / head * head)));
    }

    public void Fill(Span<byte> chunk, long offset)
    {
        while (!chunk.IsEmpty)
        {
            Hold(offset / _rowBytes / _rows * _rows);
            ReadOnlySpan<byte> rest = _window.AsSpan((int)(offset - (_first * _rowBytes)));
            int count = Math.Min(rest.Length, chunk.Length);
            rest[..count].CopyTo(chunk);
            chunk = chunk[count..];
            offset += count;
        }

        if (offset == _rowBytes * _rowCount)
            (_window, _first) = ([], -1); // the next tensor's window needs the room
    }

    private void Hold(long first)
    {
        if (_first == first)
            return;
        _first = first;
        int rows = (int)Math.Min(_rows, _rowCount - first), sourceRow = _columns * SourceTensor.BytesEach(_tensor.Type);
        byte[] source = new byte[checked(rows * (long)sourceRow)];
        _tensor.Read(source, first * sourceRow);
        _window = new byte[checked(rows * _rowBytes)];
        try
        {
            Parallel.For(0, rows, new ParallelOptions { MaxDegreeOfParallelism = _threads }, row => Convert(source.AsSpan(SourceRow(row) * sourceRow, sourceRow), row));
        }
        catch (AggregateException failures) when (failures.InnerException is ArithmeticException)
        {
            throw new CheckpointException($"{_folder}: the tensor '{_tensor.Name}' cannot become {_type}: {failures.InnerException.Message}.");
        }
    }

    // row 2i + k of a head is row i of its half k
    private int SourceRow(int row) => _head == 0 ? row : (row / _head * _head) + (row % _head % 2 * (_head / 2)) + (row % _head / 2);

    private void Convert(ReadOnlySpan<byte> source, int row)
    {
        using var floats = new NativeBuffer<float>(_columns);
        fixed (byte* bytes = source, destination = &_window[row * _rowBytes])
        {
            Dequantizer.Row(_tensor.Type, bytes, _columns, floats.Pointer);
            for (int i = 0; i < _columns && _added != 0; i++)
                floats.Pointer[i] += _added;
            Quantizer.Row(_type, floats.Pointer, _columns, null, destination);
        }
    }
}
