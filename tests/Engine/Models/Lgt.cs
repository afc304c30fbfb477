using System.Buffers.Binary;

namespace SmolCluster.Engine.Tests.Models;

/// <summary>Reads the goldens' logits files: "LGT1", rows, vocabulary, 0, float32 [rows][vocabulary].</summary>
internal static class Lgt
{
    public static float[][] Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        Assert.Equal("LGT1"u8.ToArray(), bytes[..4]);
        int rows = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(4)), vocabulary = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(8));
        return [.. Enumerable.Range(0, rows).Select(r => Enumerable.Range(0, vocabulary)
            .Select(v => BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(16 + 4 * (r * vocabulary + v)))).ToArray())];
    }

    public static double MaxDifference(float[][] a, float[][] b) =>
        a.Zip(b, static (x, y) => x.Zip(y, static (p, q) => Math.Abs((double)p - q)).Max()).Max();

    /// <summary>KL of the softmax at temperature 1, the first against the second, averaged over rows.</summary>
    public static double MeanKl(float[][] exact, float[][] other) => exact.Zip(other, Kl).Average();

    private static double Kl(float[] exact, float[] other)
    {
        double[] p = LogSoftmax(exact), q = LogSoftmax(other);
        return p.Zip(q, static (a, b) => Math.Exp(a) * (a - b)).Sum();
    }

    private static double[] LogSoftmax(float[] logits)
    {
        double max = logits.Max(), log = max + Math.Log(logits.Sum(l => Math.Exp(l - max)));
        return [.. logits.Select(l => l - log)];
    }
}
