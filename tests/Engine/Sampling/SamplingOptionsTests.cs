using SmolCluster.Engine.Sampling;

namespace SmolCluster.Engine.Tests.Sampling;

public sealed class SamplingOptionsTests
{
    public static TheoryData<string, SamplingOptions> Refused => new()
    {
        { "Temperature", new() { Temperature = -0.1f } },
        { "Temperature", new() { Temperature = 2.1f } },
        { "Temperature", new() { Temperature = float.NaN } },
        { "TopK", new() { TopK = -1 } },
        { "TopP", new() { TopP = 0 } },
        { "TopP", new() { TopP = 1.01f } },
        { "TopP", new() { TopP = float.NaN } },
        { "MinP", new() { MinP = -0.1f } },
        { "MinP", new() { MinP = float.PositiveInfinity } },
        { "RepetitionPenalty", new() { RepetitionPenalty = 0 } },
        { "RepetitionPenalty", new() { RepetitionPenalty = float.NaN } },
        { "PresencePenalty", new() { PresencePenalty = 2.1f } },
        { "FrequencyPenalty", new() { FrequencyPenalty = float.NaN } },
        { "PenaltyWindow", new() { PenaltyWindow = -1 } },
        { "LogitBias", new() { LogitBias = null! } },
        { "LogitBias", new() { LogitBias = new Dictionary<int, float> { [-1] = 0 } } },
        { "LogitBias", new() { LogitBias = new Dictionary<int, float> { [1] = 100.5f } } },
        { "LogitBias", new() { LogitBias = new Dictionary<int, float> { [1] = float.NaN } } },
    };

    [Theory]
    [MemberData(nameof(Refused), DisableDiscoveryEnumeration = true)]
    public void Validate_OutOfRange_NamesTheFieldAndRange(string field, SamplingOptions options)
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(options.Validate);
        Assert.Equal(field, error.ParamName);
        Assert.Contains($"{field} must be", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_DefaultsAndEdges_Pass()
    {
        new SamplingOptions().Validate();
        new SamplingOptions
        {
            Temperature = 2,
            TopP = 1,
            MinP = 1,
            RepetitionPenalty = 2,
            PresencePenalty = -2,
            FrequencyPenalty = 2,
            PenaltyWindow = 0,
            LogitBias = new Dictionary<int, float> { [0] = -100, [5] = 100 },
            Seed = ulong.MaxValue,
        }.Validate();
    }
}
