namespace SmolCluster.Engine.Quantization.Encoding;

/// <summary>Writers of the formats with blocks of 256 weights. x and w as in <see cref="ScaledBlock{TGrid}"/>; where the bits of a
/// quant go is told at each format's reader.</summary>
internal static unsafe class EncodeBlock256
{
    private const int Length = 256;

    public static void Write(float* x, float* w, Q2_K* block)
    {
        float* q = stackalloc float[Length];
        int* scales = stackalloc int[16], minimums = stackalloc int[16];
        var fit = new AffineBlock(x, w, 16, 3, 15, scales, minimums, q);
        *block = new Q2_K { Scale = fit.Scale, MinimumScale = fit.MinimumScale };
        for (int s = 0; s < 16; s++)
            block->Scales[s] = (byte)(scales[s] | (minimums[s] << 4));
        for (int i = 0; i < Length; i++)
            block->Quants[(i / 128 * 32) + (i % 32)] |= (byte)((int)q[i] << (i % 128 / 32 * 2));
    }

    public static void Write(float* x, float* w, Q3_K* block)
    {
        float* q = stackalloc float[Length];
        int* scales = stackalloc int[16];
        var fit = new ScaledBlock<Grid3>(x, w, 16, -32, 31, scales, q);
        *block = new Q3_K { Scale = fit.Scale };
        for (int s = 0; s < 16; s++)
        {
            int six = scales[s] + 32;
            block->Scales[s % 8] |= (byte)((six & 15) << (s / 8 * 4));
            block->Scales[8 + (s % 4)] |= (byte)((six >> 4) << (s / 4 * 2));
        }

        for (int i = 0; i < Length; i++)
        {
            int quant = (int)q[i] + 4;
            block->Quants[(i / 128 * 32) + (i % 32)] |= (byte)((quant & 3) << (i % 128 / 32 * 2));
            block->HighBits[i % 32] |= (byte)((quant >> 2) << (i / 32));
        }
    }

    public static void Write(float* x, float* w, Q4_K* block)
    {
        float* q = stackalloc float[Length];
        int* scales = stackalloc int[8], minimums = stackalloc int[8];
        var fit = new AffineBlock(x, w, 32, 15, 63, scales, minimums, q);
        *block = new Q4_K { Scale = fit.Scale, MinimumScale = fit.MinimumScale };
        SixBitScales.Pack(scales, minimums, block->Scales);
        for (int i = 0; i < Length; i++)
            block->Quants[(i / 64 * 32) + (i % 32)] |= (byte)((int)q[i] << (i % 64 / 32 * 4));
    }

    public static void Write(float* x, float* w, Q5_K* block)
    {
        float* q = stackalloc float[Length];
        int* scales = stackalloc int[8], minimums = stackalloc int[8];
        var fit = new AffineBlock(x, w, 32, 31, 63, scales, minimums, q);
        *block = new Q5_K { Scale = fit.Scale, MinimumScale = fit.MinimumScale };
        SixBitScales.Pack(scales, minimums, block->Scales);
        for (int i = 0; i < Length; i++)
        {
            block->Quants[(i / 64 * 32) + (i % 32)] |= (byte)(((int)q[i] & 15) << (i % 64 / 32 * 4));
            block->HighBits[i % 32] |= (byte)(((int)q[i] >> 4) << (i / 32));
        }
    }

    public static void Write(float* x, float* w, Q6_K* block)
    {
        float* q = stackalloc float[Length];
        int* scales = stackalloc int[16];
        var fit = new ScaledBlock<Grid6>(x, w, 16, -128, 127, scales, q);
        *block = new Q6_K { Scale = fit.Scale };
        for (int s = 0; s < 16; s++)
            block->Scales[s] = (sbyte)scales[s];
        for (int i = 0; i < Length; i++)
        {
            int quant = (int)q[i] + 32;
            block->LowBits[(i / 128 * 64) + (i % 64)] |= (byte)((quant & 15) << (i % 128 / 64 * 4));
            block->HighBits[(i / 128 * 32) + (i % 32)] |= (byte)((quant >> 4) << (i % 128 / 32 * 2));
        }
    }

    public static void Write(float* x, float* w, IQ4_XS* block)
    {
        float* q = stackalloc float[Length];
        int* scales = stackalloc int[8];
        var fit = new ScaledBlock<LevelGrid>(x, w, 32, -32, 31, scales, q);
        *block = new IQ4_XS { Scale = fit.Scale };
        for (int s = 0; s < 8; s++)
        {
            int six = scales[s] + 32;
            block->ScalesLow[s / 2] |= (byte)((six & 15) << (s % 2 * 4));
            block->ScalesHigh |= (ushort)((six >> 4) << (2 * s));
        }

        for (int i = 0; i < Length; i++)
            block->Quants[(i / 32 * 16) + (i % 16)] |= (byte)(Nibbles.LevelNumber(q[i]) << (i % 32 / 16 * 4));
    }
}
