using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>A validated request and how its answer is to be sent.</summary>
/// <param name="Choices">How many answers, each with a seed of its own.</param>
internal sealed record ChatCall(ChatRequest Request, bool Stream, int Choices = 1)
{
    public IReadOnlyList<ChatRequest> Requests => [.. Enumerable.Range(0, Choices).Select(Choice)];

    /// <summary>The request of one of the choices. The first has the seed that was asked for, so that it is the answer that it would be
    /// alone; the others' are made from the seed and their index, so that the same request gives the same choices.</summary>
    private ChatRequest Choice(int index) => index == 0 ? Request
        : Request with { Sampling = Request.Sampling with { Seed = Mix(Request.Sampling.Seed + ((ulong)index * 0x9E3779B97F4A7C15)) } };

    /// <summary>SplitMix64's finalizer: neighbouring numbers become unrelated ones.</summary>
    private static ulong Mix(ulong state)
    {
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
        return state ^ (state >> 31);
    }
}
