using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Parameters;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace SmolCluster.Benchmarks.Reporting;

/// <summary>A figure made of a benchmark's mean time and its <see cref="IWork"/>.</summary>
/// <param name="name">Of the column.</param>
/// <param name="legend">What it means.</param>
/// <param name="figure">From the work and the seconds it took; null: the column says nothing of such work.</param>
internal sealed class RateColumn(string name, string legend, Func<IWork, double, string?> figure) : IColumn
{
    public static IColumn[] All { get; } =
    [
        new RateColumn("GB/s", "Bytes of weights, keys and values, or text a second (10^9)", static (work, seconds) => Rate(work.Bytes, seconds)),
        new RateColumn("GOPS", "8-bit multiplications and additions a second (10^9)", static (work, seconds) => Rate(work.Operations, seconds)),
        new RateColumn("Of bus", "GB/s by the best sequential read of this run, with as many threads", static (work, seconds) =>
            work.FromMemory ? Share(work.Bytes, seconds, MachineLimits.ReadGigabytes(work.Threads)) : null),
        new RateColumn("Of multiply", "GOPS by the best rate of 8-bit multiply-adds on registers in this run, with as many threads", static (work, seconds) =>
            Share(work.Operations, seconds, MachineLimits.MultiplyGigaops(work.Threads))),
    ];

    public string Id => $"{nameof(RateColumn)}.{name}";

    public string ColumnName => name;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => legend;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase) => GetValue(summary, benchmarkCase, SummaryStyle.Default);

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) =>
        summary[benchmarkCase]?.ResultStatistics is { } times ? figure(Work(benchmarkCase), times.Mean / 1e9) ?? "-" : "-";

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public bool IsAvailable(Summary summary) => true;

    private static IWork Work(BenchmarkCase benchmarkCase)
    {
        Type type = benchmarkCase.Descriptor.Type;
        object instance = Activator.CreateInstance(type)!;
        foreach (ParameterInstance parameter in benchmarkCase.Parameters.Items)
        {
            type.GetProperty(parameter.Name)!.SetValue(instance, parameter.Value);
        }

        return (IWork)instance;
    }

    private static string? Rate(double amount, double seconds) => amount == 0 ? null : (amount / seconds / 1e9).ToString("0.0", CultureInfo.InvariantCulture);

    private static string? Share(double amount, double seconds, double? limit) =>
        amount == 0 || limit is not { } most ? null : (amount / seconds / 1e9 / most).ToString("0 %", CultureInfo.InvariantCulture);
}
