using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Tests.Kernels;

public sealed class SimdTests
{
    [Theory]
    [InlineData("scalar")]
    [InlineData("Scalar")]
    public void Choose_Scalar_IsAlwaysThere(string word) => Assert.Equal(SimdLevel.Scalar, Simd.Choose(word));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public void Choose_Nothing_IsTheBestSupported(string? word) =>
        Assert.Equal(Enum.GetValues<SimdLevel>().Last(Simd.IsSupported), Simd.Choose(word));

    [Theory]
    [InlineData("sse9")]
    [InlineData("3")]
    public void Choose_UnknownWord_NamesWhatIsThere(string word)
    {
        var exception = Assert.Throws<InvalidOperationException>(() => Simd.Choose(word));
        Assert.Contains("SMOL_SIMD=" + word, exception.Message, StringComparison.Ordinal);
        Assert.Contains("scalar", exception.Message, StringComparison.Ordinal);
    }
}
