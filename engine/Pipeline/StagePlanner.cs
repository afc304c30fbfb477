namespace SmolCluster.Engine.Pipeline;

/// <summary>A node that would take a stage.</summary>
/// <param name="Name">Unique; between equal nodes it decides.</param>
/// <param name="BudgetMiB">Of the model's weights at most.</param>
public sealed record StageNode(string Name, int BudgetMiB);

/// <summary>Who has which layers.</summary>
/// <param name="Stages">In order of the layers; empty where some are missing.</param>
/// <param name="Missing">What is missing, for people; null: nothing.</param>
public sealed record StagePlan(IReadOnlyList<(StageNode Node, LayerRange Range)> Stages, string? Missing);

/// <summary>
/// Splits a model's layers over nodes by their memory: one stage a node, on as few nodes as hold all of it, each as full as the others
/// in proportion to what it allows. The node that allows most has the first layers, with embedding and head. A pure function: every
/// node that sees the same nodes comes to the same plan.
/// </summary>
public static class StagePlanner
{
    private const int Halvings = 30;

    /// <summary>The order in which nodes are taken: the first has the first layers.</summary>
    public static IReadOnlyList<StageNode> Order(IEnumerable<StageNode> nodes) =>
        [.. nodes.OrderByDescending(static node => node.BudgetMiB).ThenBy(static node => node.Name, StringComparer.Ordinal)];

    /// <param name="model">To be split.</param>
    /// <param name="nodes">Those that there are, in any order.</param>
    public static StagePlan Plan(ModelOutline model, IEnumerable<StageNode> nodes)
    {
        IReadOnlyList<StageNode> ordered = Order(nodes);
        for (int count = 1; count <= ordered.Count; count++)
        {
            StageNode[] taken = [.. ordered.Take(count)];
            if (Holds(model, taken, 1))
            {
                return new(Stages(taken, Fill(model, taken, Level(model, taken))), null);
            }
        }

        return new([], Missing(model, ordered));
    }

    // the least share of their memory, the same for all, with which the nodes still hold the model
    private static double Level(ModelOutline model, StageNode[] nodes)
    {
        double low = 0, high = 1;
        for (int i = 0; i < Halvings; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = Holds(model, nodes, middle) ? (low, middle) : (middle, high);
        }

        return high;
    }

    private static bool Holds(ModelOutline model, IReadOnlyList<StageNode> nodes, double share) => Fill(model, nodes, share).Sum() == model.LayerBytes.Count;

    // how many layers each node takes, first to last, of this share of its memory
    private static int[] Fill(ModelOutline model, IReadOnlyList<StageNode> nodes, double share)
    {
        int[] counts = new int[nodes.Count];
        int layer = 0;
        for (int i = 0; i < nodes.Count; i++)
        {
            double room = share * nodes[i].BudgetMiB * (1 << 20) - (i == 0 ? model.EndBytes : 0);
            for (; layer < model.LayerBytes.Count && model.LayerBytes[layer] <= room; layer++)
            {
                room -= model.LayerBytes[layer];
                counts[i]++;
            }

            if (counts[i] == 0)
            {
                break; // a stage has a layer at least, and those that allow less cannot take it either
            }
        }

        return counts;
    }

    private static List<(StageNode, LayerRange)> Stages(StageNode[] nodes, int[] counts)
    {
        List<(StageNode, LayerRange)> stages = [];
        int first = 0;
        for (int i = 0; i < nodes.Length; first += counts[i++])
        {
            stages.Add((nodes[i], new LayerRange(first, counts[i])));
        }

        return stages;
    }

    private static string Missing(ModelOutline model, IReadOnlyList<StageNode> nodes)
    {
        int placed = Fill(model, nodes, 1).Sum();
        var range = new LayerRange(placed, model.LayerBytes.Count - placed);
        string allowed = nodes.Count == 0 ? "no silo offers memory" : $"{(nodes.Count == 1 ? "the one silo here allows" : $"the {nodes.Count} silos here allow")} "
            + $"{string.Join(" + ", nodes.Select(static node => node.BudgetMiB))} MiB of weights";
        string what = placed == 0 ? "embedding, head and layer 0, which must lie on one silo" : $"{range} of {model.LayerBytes.Count}";
        long bytes = placed == 0 ? model.EndBytes + model.LayerBytes[0] : model.Bytes(range);
        return $"no silo has room for {what}, {(bytes + (1 << 20) - 1) >> 20} MiB: {allowed} (SmolCluster:WeightMemoryMiB). Start another silo with this model, or allow more.";
    }
}
