namespace SmolCluster.Chaos;

/// <summary>Clients that ask one question after the other until told to stop, while something is done to the cluster.</summary>
internal sealed class Load(ClusterProcesses cluster, IReadOnlyList<Question> questions, int clients)
{
    private readonly StreamClient client = new(cluster);

    public Tally Tally { get; } = new();

    /// <param name="disturb">When it has ended, clients finish what they read, and end.</param>
    public async Task DuringAsync(Func<Task> disturb, CancellationToken cancellation)
    {
        bool stop = false;
        var readers = Enumerable.Range(0, clients).Select(async number =>
        {
            for (int asked = number; !stop; asked++)
            {
                var question = questions[asked % questions.Count];
                var delivery = await client.AskAsync(question, cluster.Gateways[number % cluster.Gateways.Count], static () => { }, cancellation);
                Tally.Add(question, delivery, $"client {number}");
            }
        }).ToArray();
        try
        {
            await disturb();
        }
        finally
        {
            stop = true;
            await Task.WhenAll(readers);
        }
    }

    public int Report()
    {
        Console.WriteLine(Tally.Pauses([Tally]));
        Console.WriteLine(Tally.Line);
        return Tally.Clean && Tally.Answers > 0 ? 0 : 1;
    }
}
