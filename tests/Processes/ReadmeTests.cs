using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>A command in README.md is one that something runs: here is what. Who adds a command there adds its test here.</summary>
public sealed class ReadmeTests
{
    private const string Smol = "dotnet run -c Release --project client/Cli -- ";

    private static readonly Dictionary<string, string> s_coveredBy = new(StringComparer.Ordinal)
    {
        [Smol + "serve"] = nameof(Readme_ServeAndCurl_Answer),
        ["dotnet test -c Release"] = ".ci/run",
        ["curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' -d '{\"model\": \"smolcluster-demo\", \"messages\": [{\"role\": \"user\", \"content\": \"What is a silo?\"}]}'"]
            = nameof(Readme_ServeAndCurl_Answer),
        ["alias smol=\"dotnet $PWD/client/Cli/bin/Release/net10.0/smol.dll\""] = nameof(Readme_AliasedCommands_Run),
        ["dotnet run -c Release --project tests/Benchmarks"] = nameof(BenchmarksTests.Benchmarks_QuickAndFewOfThem_GiveRatesAndShares),
        ["dotnet run -c Release --project tests/Chaos -- --runs 12 --seed 1"] = nameof(ChaosTests.Chaos_OneFaultOfEachKind_LosesRepeatsAndChangesNothing),
        ["smol chat"] = nameof(Readme_AliasedCommands_Run),
        ["smol inspect engine/Models/Demo/smolcluster-demo-Q8_0.gguf"] = nameof(Readme_AliasedCommands_Run),
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
        foreach (string path in (string[])["client/Gateway/Page/chat-light.png", "client/Gateway/Page/chat-dark.png", "client/Gateway/Page/cluster.png", "engine/Models/Demo/smolcluster-demo-Q8_0.gguf"])
        {
            Assert.Contains(path, Readme, StringComparison.Ordinal);
            Assert.True(File.Exists(Path.Combine(TestData.RepositoryRoot, path)), path);
        }
    }

    /// <summary>The lines as they stand there, but with the build that is there and a free port.</summary>
    [Fact]
    public async Task Readme_ServeAndCurl_Answer()
    {
        RequireReleaseBuild();
        Requirement.Program("curl", "apt-get install curl");
        string serve = Commands().Single(line => line == Smol + "serve").Replace("dotnet run", "dotnet run --no-build", StringComparison.Ordinal);
        await using SmolProcess server = SmolProcess.StartShell(serve + " --port 0");
        string page = (await server.WaitForLineAsync("page")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1];
        await server.WaitForLineAsync("ready");
        string ask = Commands().Single(line => line.StartsWith("curl http://127.0.0.1:8080/", StringComparison.Ordinal));
        Outcome answer = await SmolProcess.RunShellAsync(ask.Replace("http://127.0.0.1:8080/", page, StringComparison.Ordinal));
        Assert.Equal(0, answer.ExitCode);
        Assert.Contains("\"finish_reason\":\"stop\"", answer.Text, StringComparison.Ordinal);
        Assert.Contains("silo", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Readme_AliasedCommands_Run()
    {
        RequireReleaseBuild();
        string alias = Commands().Single(line => line.StartsWith("alias smol=", StringComparison.Ordinal));
        string inspect = Commands().Single(line => line.StartsWith("smol inspect ", StringComparison.Ordinal));
        string chat = Commands().Single(line => line == "smol chat");
        Outcome ran = await SmolProcess.RunShellAsync($"shopt -s expand_aliases\n{alias}\n{inspect}\n{chat}\n");
        Assert.Equal(0, ran.ExitCode);
        Assert.Contains("Q8_0", ran.Text, StringComparison.Ordinal);
        Assert.StartsWith("smolcluster-demo (a small demo model; ", ran.Error, StringComparison.Ordinal);
    }

    private static void RequireReleaseBuild()
    {
        string built = Path.Combine(TestData.RepositoryRoot, "client", "Cli", "bin", "Release", "net10.0", "smol.dll");
        if (!File.Exists(built))
            Requirement.Lacks($"There is no {built}, which README's commands run: dotnet build -c Release");
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
