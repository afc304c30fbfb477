using System.Text.Json.Serialization;

namespace SmolCluster.Cli.Bench;

/// <summary>Everything one run found, for the table and as JSON.</summary>
/// <param name="File">Measured with.</param>
internal sealed record BenchReport(Machine Machine, string File, IReadOnlyList<CaseResult> Cases);

/// <param name="Cores">Logical processors that this process may use.</param>
/// <param name="Simd">Instruction set of the kernels.</param>
/// <param name="MemoryBytes">Of the machine, or of the container.</param>
/// <param name="Kv">How both sides keep keys and values.</param>
/// <param name="LoadAverage">Of the minute before the run: what others did to the figures.</param>
/// <param name="Peer">Name and version, or null.</param>
internal sealed record Machine(
    string Cpu, int Cores, string Simd, long MemoryBytes, string Os, string Runtime, int Threads, string Kv, double? LoadAverage, string? Peer, Bus Bus);

/// <param name="ReadGigabytesPerSecond">Best sequential read of the run, with as many threads.</param>
/// <param name="BytesPerToken">Weights that one user's decode step reads.</param>
/// <param name="DecodeShare">Of that reading speed in decode-1; null if it was not measured, or the weights fit into a cache.</param>
internal sealed record Bus(double ReadGigabytesPerSecond, long BytesPerToken, double? DecodeShare);

/// <param name="Ours">Median; null: see <paramref name="Skipped"/>.</param>
/// <param name="Peer">Median; null without a peer.</param>
/// <param name="Ratio">Median over the pairs of ours ÷ peer.</param>
/// <param name="Skipped">Why a figure is missing.</param>
/// <param name="Note">What it was measured with, where the name does not say it.</param>
internal sealed record CaseResult(
    string Name, string Unit, double? Ours, double? Peer, double? Ratio,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Skipped = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Note = null);
