using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Quantization;
using SmolCluster.Engine.Quantization.Encoding;

namespace SmolCluster.Engine.Conversion;

/// <summary>One tensor's rows in another type, some rows at a time, shared out over threads. A row depends on nothing but itself.</summary>
internal sealed unsafe class RequantizedRows
{
    private const long WindowWeights = 4L << 20;

    private readonly GgufFile _file;
    private readonly GgufTensor _tensor;
    private readonly GgmlType _type;
    private readonly float[]? _importance;
    private readonly LoraAdapter? _adapter;
    private readonly int _threads, _rows;
    private readonly long _rowBytes;
    private byte[] _window = [];
    private long _first = -1;

    /// <param name="importance">[columns] or null.</param>
    /// <param name="adapter">Added to each row, or null.</param>
    public RequantizedRows(GgufFile file, GgufTensor tensor, GgmlType type, float[]? importance, int threads, LoraAdapter? adapter = null)
    {
        (_file, _tensor, _type, _importance, _threads, _adapter) = (file, tensor, type, importance, threads, adapter);
        BlockFormat.TryGet(type, out BlockFormat format);
        _rowBytes = tensor.Columns / format.Length * format.Bytes;
        _rows = (int)Math.Clamp(WindowWeights / tensor.Columns, 1, tensor.Rows);
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

        if (offset == _rowBytes * _tensor.Rows)
            (_window, _first) = ([], -1); // the next tensor's window needs the room
    }

    private void Hold(long first)
    {
        if (_first == first)
            return;
        _first = first;
        int rows = (int)Math.Min(_rows, _tensor.Rows - first);
        _window = new byte[checked(rows * _rowBytes)];
        try
        {
            Parallel.For(0, rows, new ParallelOptions { MaxDegreeOfParallelism = _threads },
                () => new NativeBuffer<float>(_tensor.Columns),
                (row, _, floats) =>
                {
                    Row(first, row, floats.Pointer);
                    return floats;
                },
                static floats => floats.Dispose());
        }
        catch (AggregateException failures) when (failures.InnerException is ArithmeticException or GgufException)
        {
            throw new GgufException($"{_file.Path}: the tensor '{_tensor.Name}' cannot become {_type}: {failures.InnerException.Message}.");
        }
    }

    private void Row(long first, int row, float* floats)
    {
        int columns = (int)_tensor.Columns;
        byte* source = _file.Data(_tensor) + ((first + row) * (_tensor.ByteLength / _tensor.Rows));
        Dequantizer.Row(_tensor.Type, source, columns, floats);
        _adapter?.AddTo(_tensor.Name, first + row, floats);
        fixed (float* importance = _importance)
        fixed (byte* destination = &_window[row * _rowBytes])
            Quantizer.Row(_type, floats, columns, importance, destination);
    }
}
