using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Models;

/// <summary>One tensor's bytes in the twin's order, a chunk at a time.</summary>
internal sealed unsafe class GroupedRows(byte* data, GgufTensor tensor)
{
    private readonly GroupLayout _layout = RowDot.Layout(tensor.Type);
    private readonly long _rowBytes = tensor.ByteLength / tensor.Rows;
    private readonly byte[] _group = new byte[checked((int)(tensor.ByteLength / tensor.Rows * GroupLayout.Rows))];
    private long _held = -1;

    public void Fill(Span<byte> chunk, long offset)
    {
        long grouped = tensor.Rows / GroupLayout.Rows * _group.Length;
        while (!chunk.IsEmpty)
        {
            if (offset >= grouped)
            {
                new ReadOnlySpan<byte>(data + offset, chunk.Length).CopyTo(chunk);
                return;
            }

            Hold(offset / _group.Length);
            ReadOnlySpan<byte> rest = _group.AsSpan((int)(offset % _group.Length));
            int count = Math.Min(rest.Length, chunk.Length);
            rest[..count].CopyTo(chunk);
            chunk = chunk[count..];
            offset += count;
        }
    }

    private void Hold(long group)
    {
        if (_held == group)
        {
            return;
        }

        _held = group;
        byte* first = data + group * _group.Length;
        fixed (byte* to = _group)
        {
            for (long at = 0; at < _rowBytes; at += _layout.BlockBytes)
            {
                _layout.Pack(first + at, (nint)_rowBytes, to + GroupLayout.Rows * at);
            }
        }
    }
}
