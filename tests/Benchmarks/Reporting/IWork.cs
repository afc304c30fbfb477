namespace SmolCluster.Benchmarks.Reporting;

/// <summary>What one call of a class's benchmarks does, for the columns of rates. It follows from the parameters alone.</summary>
public interface IWork
{
    /// <summary>Read from memory or cache; 0: nothing worth a rate.</summary>
    double Bytes => 0;

    /// <summary>Multiplications and additions in integers of 8 bits; 0: none.</summary>
    double Operations => 0;

    /// <summary>Whether the bytes come from memory, so that the bus is their limit.</summary>
    bool FromMemory => false;

    int Threads => 1;
}
