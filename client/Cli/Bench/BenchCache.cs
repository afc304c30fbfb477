using System.Globalization;
using SmolCluster.Engine.Models;
using SmolCluster.Grains;

namespace SmolCluster.Cli.Bench;

/// <summary>The folder for what is made or fetched once: random models and the peer.</summary>
internal sealed class BenchCache(string? folder)
{
    private const ulong Seed = 1;
    private const string DefaultMix = "Q4_K_M";

    public string Root { get; } = Path.GetFullPath(folder ?? CacheFolder.Default);

    public string Twins => Path.Combine(Root, "twins");

    /// <summary>Why FILE|SHAPE cannot be meant, or null. A file that is there always wins.</summary>
    public static string? ProblemWith(string fileOrShape)
    {
        if (fileOrShape == ModelCatalog.DemoPath || File.Exists(fileOrShape) || IsShape(fileOrShape))
            return null;
        return RandomModel.Shapes.Contains(fileOrShape.Split(':')[0])
            ? $"'{fileOrShape}' is no shape; expected SHAPE:TYPE with a type of {string.Join(", ", RandomModel.Types)}."
            : null;
    }

    /// <summary>The model's file; a shape's is written here the first time.</summary>
    /// <exception cref="OperationCanceledException">Stopped while writing; nothing is left of it.</exception>
    public async Task<string> ModelAsync(string fileOrShape, CancellationToken cancellation)
    {
        if (fileOrShape == ModelCatalog.DemoPath)
            return ModelCatalog.DemoFile;
        if (File.Exists(fileOrShape) || !IsShape(fileOrShape))
            return fileOrShape;
        string shape = fileOrShape.Contains(':', StringComparison.Ordinal) ? fileOrShape : $"{fileOrShape}:{DefaultMix}";
        string path = Path.Combine(Root, "models", $"{shape.Replace(':', '-')}-random.gguf");
        if (File.Exists(path))
            return path;
        RemoveLeftovers(path);
        return await Terminal.WithProgressAsync($"making {path} (once)", progress =>
        {
            RandomModel.Write(shape, path, Seed, new Stoppable(progress, cancellation));
            return path;
        });
    }

    private static bool IsShape(string text) => text.Split(':') is var parts && RandomModel.Shapes.Contains(parts[0])
        && (parts.Length == 1 || (parts.Length == 2 && RandomModel.Types.Contains(parts[1])));

    /// <summary>Partial files whose writer was killed.</summary>
    private static void RemoveLeftovers(string path)
    {
        DirectoryInfo folder = Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        foreach (FileInfo partial in folder.EnumerateFiles(Path.GetFileName(path) + ".partial-*"))
        {
            if (int.TryParse(partial.Name.Split('-')[^1], NumberStyles.None, CultureInfo.InvariantCulture, out int writer) && !IsAlive(writer))
                partial.Delete();
        }
    }

    private static bool IsAlive(int processId)
    {
        try
        {
            using var process = System.Diagnostics.Process.GetProcessById(processId);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Writing asks for no token, but it reports, and takes its partial file away when that throws.</summary>
    private sealed class Stoppable(IProgress<double> inner, CancellationToken cancellation) : IProgress<double>
    {
        public void Report(double value)
        {
            cancellation.ThrowIfCancellationRequested();
            inner.Report(value);
        }
    }
}
