using System.Text.RegularExpressions;
using SmolCluster.Chaos;
using SmolCluster.Engine.Tests;

namespace SmolCluster.Processes.Tests;

/// <summary>A command in README.md is one that something runs: here is what. Who adds a command there adds its test here.</summary>
public sealed class ReadmeTests
{
    private const string Smol = "dotnet run -c Release --project client/Cli -- ";

    private static string Readme { get; } = File.ReadAllText(Path.Combine(TestData.RepositoryRoot, "README.md"));

    private static readonly Dictionary<string, string> s_coveredBy = new(StringComparer.Ordinal)
    {
        [Smol + "serve"] = nameof(Readme_ServeAndCurl_Answer),
        ["dotnet test -c Release"] = ".ci/run",
        ["curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' -d '{\"model\": \"smolcluster-demo\", \"messages\": [{\"role\": \"user\", \"content\": \"What is a silo?\"}]}'"]
            = nameof(Readme_ServeAndCurl_Answer),
        ["alias smol=\"dotnet $PWD/client/Cli/bin/Release/net10.0/smol.dll\""] = nameof(Readme_AliasedCommands_Run),
        ["dotnet run -c Release --project tests/Benchmarks"] = nameof(BenchmarksTests.Benchmarks_QuickAndFewOfThem_GiveRatesAndShares),
        ["dotnet run -c Release --project tests/Chaos -- --runs 12 --seed 1"] = nameof(ChaosTests.Chaos_OneFaultOfEachKind_LosesRepeatsAndChangesNothing),
        ["dotnet build -c Release"] = ".ci/run",
        ["redis-server --port 6379 --save \"\" > /dev/null &"] = nameof(Readme_ThreeSilosUnderLoad_AllAnswer),
        ["set -a && . aspire/deploy/cluster.env && set +a"] = nameof(Readme_ThreeSilosUnderLoad_AllAnswer),
        [ClusterCommands[3]] = nameof(Readme_ThreeSilosUnderLoad_AllAnswer),
        ["dotnet client/Gateway/bin/Release/net10.0/SmolCluster.Gateway.dll &"] = nameof(Readme_ThreeSilosUnderLoad_AllAnswer),
        ["curl -s --retry 60 --retry-delay 1 --retry-all-errors http://127.0.0.1:8080/health/ready"] = nameof(Readme_ThreeSilosUnderLoad_AllAnswer),
        [ClusterCommands[6]] = nameof(Readme_ThreeSilosUnderLoad_AllAnswer),
        ["kill $(jobs -p | tail -n +2) && wait $(jobs -p | tail -n +2)"] = nameof(Readme_ThreeSilosUnderLoad_AllAnswer),
        ["kill %1"] = nameof(Readme_ThreeSilosUnderLoad_AllAnswer),
        ["smol chat"] = nameof(Readme_AliasedCommands_Run),
        ["smol inspect engine/Models/Demo/smolcluster-demo-Q8_0.gguf"] = nameof(Readme_AliasedCommands_Run),
        // The download is the one thing a test cannot do; that serve prints the same address is tested.
        ["curl -LO https://huggingface.co/ggml-org/SmolLM3-3B-GGUF/resolve/main/SmolLM3-Q4_K_M.gguf"] = nameof(ServeTests.Serve_Demo_AnswersAndStopsOnSigterm),
        ["smol serve SmolLM3-Q4_K_M.gguf"] = nameof(ServeTests.Serve_ModelFile_AnswersUnderItsName),
    };

    [Fact]
    public void Readme_EveryCommand_IsRunSomewhere() => Assert.Equal(s_coveredBy.Keys.Order(StringComparer.Ordinal), Commands().Order(StringComparer.Ordinal));

    [Fact]
    public void Readme_TestCommand_IsWhatCiRuns() =>
        Assert.Contains("\ndotnet test -c Release ", File.ReadAllText(Path.Combine(TestData.RepositoryRoot, ".ci", "run")), StringComparison.Ordinal);

    [Fact]
    public void Readme_Files_Exist()
    {
        foreach (string path in (string[])["client/Gateway/Page/chat-light.png", "client/Gateway/Page/chat-dark.png", "client/Gateway/Page/cluster.png", "aspire/dashboard.png", "aspire/OPERATE.md", "aspire/deploy/cluster.env", "engine/Models/Demo/smolcluster-demo-Q8_0.gguf"])
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

    /// <summary>A newcomer's way to three silos, line by line, with the build that is there and free ports.</summary>
    [Fact]
    public async Task Readme_ThreeSilosUnderLoad_AllAnswer()
    {
        Requirement.Program("redis-server", "apt-get install redis-server");
        Requirement.Program("curl", "apt-get install curl");
        RequireReleaseBuild("silo", "SmolCluster.Silo.dll");
        RequireReleaseBuild("client/Gateway", "SmolCluster.Gateway.dll");
        int redis = ClusterProcesses.FreePort(), gateway = ClusterProcesses.FreePort();
        string lines = string.Join('\n', ClusterCommands.Skip(1))
            .Replace("--port 6379", $"--port {redis}", StringComparison.Ordinal)
            .Replace("cluster.env &&", $"cluster.env && ConnectionStrings__redis=127.0.0.1:{redis} &&", StringComparison.Ordinal)
            .Replace("1111$n", $"{ClusterProcesses.FreePort() / 10}$n", StringComparison.Ordinal)
            .Replace("3000$n", $"{ClusterProcesses.FreePort() / 10}$n", StringComparison.Ordinal)
            .Replace("809$n", $"{ClusterProcesses.FreePort() / 10}$n", StringComparison.Ordinal)
            .Replace("Gateway.dll", $"Gateway.dll --urls http://127.0.0.1:{gateway}", StringComparison.Ordinal)
            .Replace("127.0.0.1:8080", $"127.0.0.1:{gateway}", StringComparison.Ordinal);
        Outcome ran = await SmolProcess.RunShellAsync(lines);
        Assert.True(ran.ExitCode == 0, ran.Text + ran.Error);
        var answered = Regex.Matches(ran.Text, @"^ *(\d+) 200 silo-[123]$", RegexOptions.Multiline);
        Assert.True(answered.Sum(static line => int.Parse(line.Groups[1].Value)) == 100, ran.Text);
    }

    private static void RequireReleaseBuild(string project = "client/Cli", string program = "smol.dll")
    {
        string built = Path.Combine(TestData.RepositoryRoot, project, "bin", "Release", "net10.0", program);
        if (!File.Exists(built))
            Requirement.Lacks($"There is no {built}, which README's commands run: dotnet build -c Release");
    }

    /// <summary>The block of README's commands that starts a cluster.</summary>
    private static string[] ClusterCommands => [.. Commands().SkipWhile(static line => line != "dotnet build -c Release").TakeWhile(static line => !line.StartsWith("dotnet run", StringComparison.Ordinal))];

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
