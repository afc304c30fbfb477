using SmolCluster.Engine.Models;

namespace SmolCluster.Engine.Tests;

/// <summary>Model shapes for tests that need no file.</summary>
internal static class TestShapes
{
    public static ModelConfig Small { get; } = new()
    {
        Architecture = "llama",
        Name = "test",
        BlockCount = 2,
        ContextLength = 512,
        EmbeddingLength = 192,
        FeedForwardLength = 64,
        HeadCount = 6,
        HeadCountKv = 2,
        HeadLength = 32,
        RmsEpsilon = 1e-6f,
        VocabularyLength = 10,
        NoRopeInterval = 0,
        Rope = new RopeConfig(32, 10000, RopeScaling.None, 1, 512, 0, 1, 32, 1),
    };
}
