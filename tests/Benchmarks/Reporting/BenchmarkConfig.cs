using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Order;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace SmolCluster.Benchmarks.Reporting;

/// <summary>In this process, because kernels share its threads and the limits of the same minutes; results go to the console and
/// beside the build.</summary>
internal sealed class BenchmarkConfig : ManualConfig
{
    /// <summary>The switch for figures that show that all runs, and no more than that.</summary>
    public const string Quick = "--quick";

    public BenchmarkConfig(bool quick)
    {
        Job job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithStrategy(RunStrategy.Throughput);
        AddJob(quick
            ? job.WithId("quick").WithWarmupCount(1).WithIterationCount(2).WithIterationTime(TimeInterval.FromMilliseconds(20))
            : job.WithId("full").WithWarmupCount(3).WithIterationCount(9).WithIterationTime(TimeInterval.FromMilliseconds(250)));
        AddLogger(ConsoleLogger.Default);
        AddColumnProvider(DefaultColumnProviders.Instance);
        AddColumn(RateColumn.All);
        HideColumns("Namespace", "Job", "Toolchain", "RunStrategy", "IterationCount", "IterationTime", "WarmupCount", "Error");
        ArtifactsPath = Path.Combine(AppContext.BaseDirectory, "results");
        WithOrderer(new DefaultOrderer(SummaryOrderPolicy.Declared, MethodOrderPolicy.Declared));
    }
}
