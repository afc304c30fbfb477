using SmolCluster.Gateway.Ollama;

namespace SmolCluster.Gateway.Tests;

/// <summary>What Ollama's clients show of a model beside its name.</summary>
public sealed class OllamaDetailsTests
{
    [Theory]
    [InlineData(0, "")]
    [InlineData(512, "512")]
    [InlineData(42_400, "42K")]
    [InlineData(7_000_000, "7M")]
    [InlineData(134_515_008, "134.52M")]
    [InlineData(7_000_000_000, "7B")]
    [InlineData(3_075_098_624, "3.1B")]
    [InlineData(8_030_261_248, "8.0B")]
    public void Size_OfWeights_IsWrittenAsOllamaDoes(long weights, string size) => Assert.Equal(size, OllamaDetails.Size(weights));
}
