namespace SmolCluster.Chaos;

/// <summary>Counts deliveries and says at the end what they were.</summary>
internal sealed class Tally
{
    private readonly Lock guard = new();
    private readonly List<TimeSpan> pauses = [];

    public int Answers { get; private set; }

    public int Lost { get; private set; }

    public int Repeated { get; private set; }

    public int Different { get; private set; }

    public bool Clean => Lost + Repeated + Different == 0;

    public void Add(Question question, Delivery delivery, string what)
    {
        lock (guard)
        {
            Answers++;
            pauses.Add(delivery.LongestPause);
            if (delivery.Repeats > 0)
                Repeated++;
            if (delivery.Transcript is null)
                Lost++;
            else if (delivery.Transcript != question.Expected)
                Different++;
            else
                return;
            Console.WriteLine($"  FAILED {what}: {delivery.Problem ?? $"got {delivery.Transcript}\n  expected {question.Expected}"}");
        }
    }

    public string Line => $"answers {Answers}, lost {Lost}, repeated {Repeated}, different {Different}";

    /// <summary>Of the longest pause of each answer.</summary>
    public static string Pauses(IEnumerable<Tally> tallies)
    {
        var sorted = tallies.SelectMany(static tally => tally.pauses).Order().ToArray();
        return sorted.Length == 0 ? "no pauses"
            : $"pause median {sorted[(sorted.Length - 1) / 2].TotalSeconds:F2} s, p95 {sorted[(int)Math.Ceiling(sorted.Length * 0.95) - 1].TotalSeconds:F2} s, longest {sorted[^1].TotalSeconds:F2} s";
    }
}
