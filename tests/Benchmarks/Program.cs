using BenchmarkDotNet.Running;
using SmolCluster.Benchmarks.Reporting;

// dotnet run -c Release --project tests/Benchmarks [-- --quick] [--filter '*MatMul*']
string[] own = [.. args.Where(static a => a != BenchmarkConfig.Quick)];
string[] chosen = own.Length > 0 ? own : ["--filter", "*"];
bool ran = BenchmarkSwitcher.FromAssembly(typeof(IWork).Assembly)
    .Run(chosen, new BenchmarkConfig(quick: own.Length < args.Length))
    .Any(static summary => summary.Reports.Any(static report => report.Success));
return ran ? 0 : 1;
