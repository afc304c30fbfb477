using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using SmolCluster.Cli.Bench;
using SmolCluster.Cli.Hub;
using SmolCluster.Engine.Kernels;
using SmolCluster.Grains;

namespace SmolCluster.Cli.Doctor;

/// <summary>What of a machine decides whether and how fast models run.</summary>
internal static class MachineChecks
{
    private const int DefaultPort = 8080;
    private const long LittleMemory = 4L << 30;
    private const long LittleRoom = 4L << 30;

    public static IEnumerable<Finding> Run()
    {
        yield return new(Health.Good, "processor", $"{MachineFacts.Cpu}, {Environment.ProcessorCount} processors, {RuntimeInformation.OSDescription}, .NET {Environment.Version}");
        yield return Instructions();
        yield return Memory();
        yield return Port();
        yield return Folder("models", new ModelStore(null).Root, LittleRoom);
        yield return Folder("cache", CacheFolder.Default, LittleRoom);
        yield return Folder("data", DataFolder.Default(), 0);
    }

    private static Finding Instructions()
    {
        string levels = string.Join(", ", Enum.GetValues<SimdLevel>().Where(Simd.IsSupported));
        return Simd.Level >= SimdLevel.Avx2 || RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? new(Health.Good, "instructions", $"{Simd.Level} is used; the machine has {levels}")
            : new(Health.Doubtful, "instructions", $"{Simd.Level} is used; the machine has {levels}. Without AVX2 and FMA answers come several times slower");
    }

    private static Finding Memory()
    {
        GCMemoryInfo memory = GC.GetGCMemoryInfo();
        long free = memory.TotalAvailableMemoryBytes - memory.MemoryLoadBytes;
        string text = $"{Terminal.Bytes(memory.TotalAvailableMemoryBytes)} in all, about {Terminal.Bytes(Math.Max(0, free))} free";
        return free >= LittleMemory ? new(Health.Good, "memory", text)
            : new(Health.Doubtful, "memory", $"{text}: SmolLM3-3B in Q4_K_M wants 4 GiB; with less, --context and --kv-memory make it smaller");
    }

    private static Finding Port()
    {
        using var probe = new TcpListener(IPAddress.Loopback, DefaultPort);
        try
        {
            probe.Start();
            return new(Health.Good, "port", $"{DefaultPort} is free for smol serve");
        }
        catch (SocketException failure)
        {
            return new(Health.Doubtful, "port", $"{DefaultPort} cannot be had ({failure.SocketErrorCode}), maybe another smol serve: choose another with --port");
        }
    }

    private static Finding Folder(string what, string folder, long wanted)
    {
        try
        {
            Directory.CreateDirectory(folder);
            string probe = Path.Combine(folder, $".smol-doctor-{Environment.ProcessId}");
            File.WriteAllText(probe, "");
            File.Delete(probe);
            long free = new DriveInfo(folder).AvailableFreeSpace;
            return free >= wanted ? new(Health.Good, what, $"{folder} can be written, {Terminal.Bytes(free)} free")
                : new(Health.Doubtful, what, $"{folder} has {Terminal.Bytes(free)} free; a 3B model takes 2 GB, and its twin as much again");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new(Health.Bad, what, $"{folder} cannot be written: {failure.Message}");
        }
    }
}
