using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace SmolCluster.Engine.Quantization;

/// <summary>A step's quantized activations a second time, eight tokens side by side: [256 columns][octet of tokens], each an
/// <see cref="Octet256"/> or <see cref="Octet32"/>. Laid out once, read for every sixteen rows of a matrix.</summary>
internal static unsafe class Octets
{
    /// <summary>Tokens side by side.</summary>
    public const int Tokens = 8;

    /// <summary>Bytes of one octet's 256 columns; 0: the format is not laid so.</summary>
    public static int RecordBytes(ActivationFormat format) => format switch
    {
        ActivationFormat.Q8K => sizeof(Octet256),
        ActivationFormat.Q8 => sizeof(Octet32),
        _ => 0,
    };

    /// <summary>Asks for the quants that the next octet has where this one has a scale's. Fetched from the second-level cache when they
    /// are wanted, they made products take a sixth longer; asked for all at once, they hold up the loads.</summary>
    /// <param name="quants">The scale's first.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void PrefetchNext<T>(sbyte* quants)
        where T : struct, IGroupQuants
    {
        sbyte* next = quants + (T.IntegerScales ? sizeof(Octet256) : sizeof(Octet32));
        Sse.Prefetch0(next);
        Sse.Prefetch0(next + 64);
        if (T.QuadsAScale > 4)
        {
            Sse.Prefetch0(next + 128);
            Sse.Prefetch0(next + 192);
        }
    }

    /// <summary>Octets that some tokens fill.</summary>
    public static int Count(int tokens) => (tokens + Tokens - 1) / Tokens;

    /// <summary>Bytes of all octets of some tokens.</summary>
    public static long Bytes(ActivationFormat format, int columns, int tokens) =>
        (long)Count(tokens) * (Activations.Padded(columns) / 256) * RecordBytes(format);

    /// <summary>Lays one octet of <paramref name="tokens"/> rows.</summary>
    /// <param name="octet">Which, from 0.</param>
    /// <param name="tokens">Of the step.</param>
    /// <param name="rows">[tokens] rows of the format.</param>
    /// <param name="octets">[columns / 256][octets], <see cref="Bytes"/> of them.</param>
    public static void Lay(ActivationFormat format, int octet, int tokens, byte* rows, int columns, byte* octets)
    {
        nint rowBytes = Activations.RowBytes(format, columns), apart = (nint)Count(tokens) * RecordBytes(format);
        byte* row = rows + octet * Tokens * rowBytes, to = octets + (nint)octet * RecordBytes(format);
        int some = Math.Min(Tokens, tokens - octet * Tokens);
        if (format == ActivationFormat.Q8K)
        {
            Octet256.Lay(row, rowBytes, columns, some, to, apart);
        }
        else
        {
            Octet32.Lay(row, rowBytes, columns, some, to, apart);
        }
    }

    /// <summary>Some rows' words to [word][8 tokens].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Words(byte* row, nint rowBytes, int words, int tokens, int* to)
    {
        int word = 0;
        for (; tokens == Tokens && Avx2.IsSupported && word <= words - 8; word += 8)
        {
            GroupLayout.Transpose(row + 4 * word, rowBytes, (byte*)(to + word * Tokens), 32);
        }

        for (; word < words; word++)
        {
            for (int token = 0; token < tokens; token++)
            {
                to[word * Tokens + token] = ((int*)(row + token * rowBytes))[word];
            }
        }
    }
}
