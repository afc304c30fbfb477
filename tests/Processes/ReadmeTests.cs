using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>A command in README.md is one that something runs: here is what. Who adds a command there adds its test here.</summary>
public sealed class ReadmeTests
{
    private const string Smol = "dotnet run -c Release --project client/Cli -- ";

    private static readonly Dictionary<string, string> s_coveredBy = new(StringComparer.Ordinal)
    {
        [Smol + "serve"] = nameof(ServeTests.Serve_Demo_AnswersAndStopsOnSigterm),
        ["dotnet test -c Release"] = ".ci/run",
        ["curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' -d '{\"model\": \"smolcluster-demo\", \"messages\": [{\"role\": \"user\", \"content\": \"What is a silo?\"}]}'"]
            = nameof(ServeTests.Serve_Demo_AnswersAndStopsOnSigterm),
        ["alias smol=\"dotnet $PWD/client/Cli/bin/Release/net10.0/smol.dll\""] = nameof(SmolProcess),
        ["smol chat"] = nameof(CommandTests.Chat_PipedLines_AreMessagesAndCommands),
        ["smol inspect engine/Models/Demo/smolcluster-demo-Q8_0.gguf"] = nameof(CommandTests.Inspect_Json_HasTheSameFacts),
        // The download is the one thing a test cannot do; that serve prints the same address is tested.
        ["curl -LO https://huggingface.co/ggml-org/SmolLM3-3B-GGUF/resolve/main/SmolLM3-Q4_K_M.gguf"] = nameof(ServeTests.Serve_Demo_AnswersAndStopsOnSigterm),
        ["smol serve SmolLM3-Q4_K_M.gguf"] = nameof(ServeTests.Serve_ModelFile_AnswersUnderItsName),
    };

    private static string Readme { get; } = File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "README.md"));

    [Fact]
    public void Readme_EveryCommand_IsRunSomewhere() => Assert.Equal(s_coveredBy.Keys.Order(StringComparer.Ordinal), Commands().Order(StringComparer.Ordinal));

    [Fact]
    public void Readme_TestCommand_IsWhatCiRuns() =>
        Assert.Contains("\ndotnet test -c Release ", File.ReadAllText(Path.Combine(TestData.RepositoryRoot, ".ci", "run")), StringComparison.Ordinal);

    [Fact]
    public void Readme_Files_Exist()
    {
        foreach (string path in (string[])["client/Gateway/Page/screenshot.png", "engine/Models/Demo/smolcluster-demo-Q8_0.gguf"])
        {
            Assert.Contains(path, Readme, StringComparison.Ordinal);
            Assert.True(File.Exists(Path.Combine(TestData.RepositoryRoot, path)), path);
        }
    }

    private static IEnumerable<string> Commands()
    {
        bool inside = false;
        foreach (string line in Readme.Split('\n'))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
                inside = line == "```sh";
            else if (inside && line.Length > 0)
                yield return line;
        }
    }
}
