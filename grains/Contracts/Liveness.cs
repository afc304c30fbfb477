namespace SmolCluster.Contracts;

/// <summary>How soon the cluster notices that one of its processes is gone, all numbers in one place because they only make
/// sense together. Orleans' own defaults take 30 s and more, which is long for someone who watches words appear.
/// <para>A silo that is killed closes its connections, so its answers break at once; they can go on when its grains may be
/// placed anew, that is, when the others have declared it dead: two missed probes of a second and a vote. A silo that hangs
/// keeps its connections; a gateway notices that its streams show no sign of life.</para></summary>
public static class Liveness
{
    /// <summary>A silo that is asked whether it lives answers within this. Decoding has threads of its own and leaves the
    /// thread pool free, so a second is long even on a busy machine.</summary>
    public static TimeSpan ProbeTimeout { get; } = TimeSpan.FromSeconds(1);

    /// <summary>One late answer proves nothing (a full collection, a machine that stole the processor).</summary>
    public const int MissedProbes = 3;

    /// <summary>A stream that has nothing to say says so this often.</summary>
    public static TimeSpan SignOfLife { get; } = TimeSpan.FromSeconds(1);

    /// <summary>Without any item, a stream is broken: three signs of life are missing. Not less, or a full collection would move
    /// every answer of a silo.</summary>
    public static TimeSpan StreamIdleLimit { get; } = TimeSpan.FromSeconds(3.5);

    /// <summary>For calls that are no streams; the longest are those that wait for storage (5 s). A client that vanished is noticed
    /// after twice as long, and its answers free their cache then.</summary>
    public static TimeSpan ResponseTimeout { get; } = TimeSpan.FromSeconds(8);

    /// <summary>How often a gateway learns which silos there are.</summary>
    public static TimeSpan SiloListRefresh { get; } = TimeSpan.FromSeconds(1);

    /// <summary>How often a silo writes that it lives. After three times as long without, one silo's word that it does not answer
    /// is enough, and a silo that joins does not wait for it: so soon can a cluster that was killed as a whole start again.</summary>
    public static TimeSpan TableHeartbeat { get; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a silo reads who is a member. One that was frozen and declared dead learns of it so, and ends; by default
    /// it went on for up to a minute.</summary>
    public static TimeSpan TableRefresh { get; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a silo that is told to end may take to hand over what it does.</summary>
    public static TimeSpan DrainLimit { get; } = TimeSpan.FromSeconds(15);

    /// <summary>When it ends, whatever it has not done. Supervisors give it 30 s.</summary>
    public static TimeSpan EndLimit { get; } = DrainLimit + TimeSpan.FromSeconds(3);
}
