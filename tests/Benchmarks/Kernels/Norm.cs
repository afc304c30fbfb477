using BenchmarkDotNet.Attributes;
using SmolCluster.Benchmarks.Reporting;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Benchmarks.Kernels;

/// <summary>What stands before a token's products, on one thread: norm, and the quantization of its activations.</summary>
public unsafe class Norm : IWork
{
    private const int Length = 2048;

    private NativeBuffer<float>? _x, _weight, _normed;
    private NativeBuffer<byte>? _quantized;

    public double Bytes => 2.0 * sizeof(float) * Length;

    [GlobalSetup]
    public void Setup()
    {
        _x = new NativeBuffer<float>(Length);
        _weight = new NativeBuffer<float>(Length);
        _normed = new NativeBuffer<float>(Length);
        _quantized = new NativeBuffer<byte>(Activations.RowBytes(ActivationFormat.Q8K, Length));
        for (int i = 0; i < Length; i++)
        {
            (_x.Pointer[i], _weight.Pointer[i]) = (MathF.Sin(i), 1);
        }
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _x!.Dispose();
        _weight!.Dispose();
        _normed!.Dispose();
        _quantized!.Dispose();
    }

    [Benchmark]
    public void RmsNormAlone() => RmsNorm.Apply(_x!.Pointer, _weight!.Pointer, 1e-6f, Length, _normed!.Pointer);

    [Benchmark]
    public void RmsNormAndQuantize()
    {
        RmsNorm.Apply(_x!.Pointer, _weight!.Pointer, 1e-6f, Length, _normed!.Pointer);
        Activations.Quantize(ActivationFormat.Q8K, _normed.Pointer, Length, _quantized!.Pointer);
    }
}
