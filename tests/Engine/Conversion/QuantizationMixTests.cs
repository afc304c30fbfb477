using System.Text.Json;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Conversion;

/// <summary>The types that llama.cpp's llama_model_quantize (v0.5.0, from npm's node-llama-cpp 3.22.1) gave to each matrix of small llama
/// models of several shapes: tests/data/quantize/mixes.json, by shape, mix and kind of tensor, "Q4_K Q6_K:0,1" being Q4_K but
/// Q6_K in blocks 0 and 1.</summary>
public sealed class QuantizationMixTests
{
    private static readonly Dictionary<string, (MixContext Model, int Columns)> Shapes = new()
    {
        ["36 blocks, 4 queries a key, tied"] = (new MixContext(36, 4, TiedHead: true, HasImportance: false, IsSeventyB: false), 256),
        ["8 blocks, 2 queries a key, own head"] = (new MixContext(8, 2, TiedHead: false, HasImportance: false, IsSeventyB: false), 256),
        ["80 blocks, 8 queries a key, tied"] = (new MixContext(80, 8, TiedHead: true, HasImportance: false, IsSeventyB: true), 256),
        ["20 blocks, 2 queries a key, rows of 288"] = (new MixContext(20, 2, TiedHead: true, HasImportance: false, IsSeventyB: false), 288),
    };

    public static TheoryData<string> ShapeNames => [.. Shapes.Keys];

    [Theory]
    [MemberData(nameof(ShapeNames))]
    public void TypeOf_EveryMixAndTensor_IsLlamaCppsChoice(string shape)
    {
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("quantize/mixes.json")));
        (MixContext model, int columns) = Shapes[shape];
        int compared = 0;
        foreach (JsonProperty mix in expected.RootElement.GetProperty(shape).EnumerateObject())
        {
            foreach (JsonProperty kind in mix.Value.EnumerateObject())
            {
                bool inBlocks = kind.Name is not ("output" or "token_embd");
                for (int block = 0; block < (inBlocks ? model.Blocks : 1); block++)
                {
                    string name = inBlocks ? $"blk.{block}.{kind.Name}.weight" : $"{kind.Name}.weight";
                    int length = kind.Name == "attn_output" ? 64 * (model.Blocks == 36 || model.Blocks == 80 ? 8 : 4) : columns;
                    Assert.Equal((mix.Name, name, Expected(kind.Value.GetString()!, block)), (mix.Name, name, QuantizationMix.Find(mix.Name)!.TypeOf(name, length, model)));
                    compared++;
                }
            }
        }

        Assert.True(compared > 500);
    }

    [Fact]
    public void TypeOf_SmolLm3InQ4KM_IsThePublishedFilesMix()
    {
        var model = new MixContext(36, 4, TiedHead: true, HasImportance: true, IsSeventyB: false);
        QuantizationMix mix = QuantizationMix.Find("q4_k_m")!;
        int[] more = [.. Enumerable.Range(0, 36).Where(block => mix.TypeOf($"blk.{block}.ffn_down.weight", 11_008, model) == GgmlType.Q6_K)];
        Assert.Equal(new[] { 0, 1, 2, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 31, 32, 33, 34, 35 }, more);
        Assert.Equal(more, Enumerable.Range(0, 36).Where(block => mix.TypeOf($"blk.{block}.attn_v.weight", 2048, model) == GgmlType.Q6_K));
        Assert.Equal(GgmlType.Q6_K, mix.TypeOf("token_embd.weight", 2048, model));
    }

    [Theory]
    [InlineData("Q4_K", "Q4_K_M")]
    [InlineData("iq4_xs", "IQ4_XS")]
    [InlineData("Q9_9", null)]
    public void Find_Name_GivesTheMix(string name, string? expected) => Assert.Equal(expected, QuantizationMix.Find(name)?.Name);

    private static GgmlType Expected(string types, int block)
    {
        string[] parts = types.Split(' ');
        string? special = parts.Skip(1).FirstOrDefault(part => part.Split(':')[1].Split(',').Contains($"{block}"));
        return Enum.Parse<GgmlType>(special?.Split(':')[0] ?? parts[0]);
    }
}
