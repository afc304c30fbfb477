namespace SmolCluster.Engine.Sampling;

/// <summary>Randomness without state: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011)
/// turns a key (the request's seed) and a counter (the token's position) into uniform bits. A retry, a replay or another
/// silo therefore draws the same number for the same position, without any generator to save or move. Integer arithmetic
/// only, so the same on every machine.</summary>
public static class CounterRandom
{
    private const uint Multiplier0 = 0xD2511F53, Multiplier1 = 0xCD9E8D57;
    private const uint KeyStep0 = 0x9E3779B9, KeyStep1 = 0xBB67AE85;
    private const int Rounds = 10;

    /// <summary>Uniform in [0, 1), a multiple of 2^-53.</summary>
    public static double NextDouble(ulong seed, ulong position)
    {
        (uint high, uint low, _, _) = Philox(((uint)position, (uint)(position >> 32), 0, 0), ((uint)seed, (uint)(seed >> 32)));
        ulong bits = (ulong)high << 32 | low;
        return (bits >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>The bare function: 128 bits of counter and 64 bits of key to 128 bits.</summary>
    internal static (uint, uint, uint, uint) Philox((uint, uint, uint, uint) counter, (uint, uint) key)
    {
        (uint c0, uint c1, uint c2, uint c3) = counter;
        (uint k0, uint k1) = key;
        for (int round = 0; round < Rounds; round++)
        {
            ulong product0 = (ulong)Multiplier0 * c0;
            ulong product1 = (ulong)Multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(product1 >> 32) ^ c1 ^ k0, (uint)product1, (uint)(product0 >> 32) ^ c3 ^ k1, (uint)product0);
            k0 += KeyStep0;
            k1 += KeyStep1;
        }
        return (c0, c1, c2, c3);
    }
}
