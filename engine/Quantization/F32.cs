namespace SmolCluster.Engine.Quantization;

/// <summary>IEEE single precision; used where it lies.</summary>
internal readonly unsafe struct F32 : IFloatFormat
{
    public static int Bytes => sizeof(float);

    public static float* Unpack(byte* source, int count, float* tile) => (float*)source;
}
