using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Grains.HandingOver;

/// <summary>Pages of keys and values on their way to another silo, with all that tells whether they fit there.</summary>
/// <param name="Model">Its id on both silos.</param>
/// <param name="Identity">The model by content, and the kind of its cache.</param>
/// <param name="Layout">How a page's bytes lie.</param>
/// <param name="Tokens">From the text's first one to the end of the last page.</param>
/// <param name="Pages">The last ones of <paramref name="Tokens"/>, side by side; empty: only to ask what is there.</param>
/// <param name="Checksum">Of all the others.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.KvPages")]
public sealed record KvPages(
    [property: Id(0)] string Model,
    [property: Id(1)] string Identity,
    [property: Id(2)] string Layout,
    [property: Id(3)] int[] Tokens,
    [property: Id(4)] byte[] Pages,
    [property: Id(5)] ulong Checksum)
{
    public static KvPages Of(ModelCard card, KvExchange exchange, int[] tokens, byte[] pages)
    {
        var unsigned = new KvPages(card.Id, card.Identity, exchange.Layout, tokens, pages, 0);
        return unsigned with { Checksum = unsigned.Sum() };
    }

    /// <summary>Takes them in where they fit: the same model by content, cache and layout, arrived whole. What is refused costs the
    /// answer that needs it a prefill, and nothing else.</summary>
    public async Task<KvTaken> Into(ModelHost models)
    {
        try
        {
            var model = models.Get(Model);
            if (model.Exchange is not { } exchange) return new(0, "its model keeps no pages");
            if (model.Card.Identity != Identity) return new(0, $"the pages are of {Identity}, its model is {model.Card.Identity}");
            if (exchange.Layout != Layout) return new(0, $"the pages lie as {Layout}, its own as {exchange.Layout}");
            if (Sum() != Checksum) return new(0, "the pages did not arrive as they were sent");
            return new(await exchange.Take(Tokens, Pages), null);
        }
        catch (Exception problem) when (problem is ChatException or ArgumentException or ObjectDisposedException)
        {
            return new(0, problem.Message);
        }
    }

    private ulong Sum()
    {
        var hash = new XxHash3();
        foreach (string text in (string[])[Model, Identity, Layout])
        {
            hash.Append(BitConverter.GetBytes(text.Length));
            hash.Append(Encoding.UTF8.GetBytes(text));
        }
        hash.Append(BitConverter.GetBytes(Tokens.Length));
        hash.Append(MemoryMarshal.AsBytes(Tokens.AsSpan()));
        hash.Append(Pages);
        return hash.GetCurrentHashAsUInt64();
    }
}

/// <summary>What became of <see cref="KvPages"/>.</summary>
/// <param name="Tokens">Of the text, from its first, that are there now.</param>
/// <param name="Refusal">Why none were taken; null: they were, or there was no room for more.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.KvTaken")]
public sealed record KvTaken([property: Id(0)] int Tokens, [property: Id(1)] string? Refusal);
