using System.Reflection;

namespace SmolCluster.Processes.Tests;

/// <summary>Where test files are: small ones in tests/data, large oracles in ../shared.</summary>
internal static class TestData
{
    public static string Root { get; } = typeof(TestData).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(static attribute => attribute.Key == "RepositoryRoot").Value!;

    public static string TinyModel { get; } = Path.Combine(Root, "tests", "data", "tiny-Q4_K_M.gguf");

    public static string DemoModel { get; } = Path.Combine(AppContext.BaseDirectory, "models", "smolcluster-demo-Q8_0.gguf");

    /// <summary>A path in ../shared; skips the test where it is absent.</summary>
    public static string Shared(string path)
    {
        string full = Path.GetFullPath(Path.Combine(Root, "..", "shared", path));
        if (!File.Exists(full))
            Assert.Skip($"needs ../shared/{path}");
        return full;
    }
}
