using System.Reflection;

namespace SmolCluster.Engine.Tests;

/// <summary>Where test data lies: small files in tests/data, large oracles in shared/ beside the repository.</summary>
public static class TestData
{
    /// <summary>Written into the assembly by tests/Directory.Build.props, so that tests run from any folder.</summary>
    public static string RepositoryRoot { get; } = typeof(TestData).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(static a => a.Key == "RepositoryRoot").Value!;

    /// <summary>The demo model: trained, 8 layers, Q8_0.</summary>
    public static string DemoModel { get; } =
        System.IO.Path.Combine(RepositoryRoot, "engine", "Models", "Demo", "smolcluster-demo-Q8_0.gguf");

    /// <summary>A random-weight SmolLM3-shaped model in Q4_K_M; its logits stand in tiny-Q4_K_M.exact.lgt.</summary>
    public static string TinyModel { get; } = Path("tiny-Q4_K_M.gguf");

    /// <param name="relative">Under tests/data.</param>
    public static string Path(string relative) => System.IO.Path.Combine(RepositoryRoot, "tests", "data", relative);

    /// <summary>A file under ../shared; the test that asks for it is skipped where that is not checked out.</summary>
    public static string Shared(string relative)
    {
        string path = System.IO.Path.GetFullPath(System.IO.Path.Combine(RepositoryRoot, "..", "shared", relative));
        if (!File.Exists(path) && !Directory.Exists(path))
            Assert.Skip($"This test needs ../shared/{relative} beside the repository; it is not there.");
        return path;
    }

    /// <summary>A new empty folder under the system's temporary folder, removed when disposed.</summary>
    public static TemporaryFolder Temporary() => new();
}

/// <summary>A folder for one test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("smol-test-");

    public string File(string name) => System.IO.Path.Combine(directory.FullName, name);

    public void Dispose() => directory.Delete(recursive: true);
}
