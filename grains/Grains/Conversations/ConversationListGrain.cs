using Microsoft.Extensions.Logging;
using SmolCluster.Contracts;

namespace SmolCluster.Grains.Conversations;

/// <summary>See <see cref="IConversationListGrain"/>: one record with what a list shows, so that it needs no conversation to be
/// read. Bounded: it is written whole.</summary>
internal sealed class ConversationListGrain(
    [PersistentState("conversations", GrainsHosting.ConversationStorage)] IPersistentState<ConversationListState> stored,
    TimeProvider time, ILogger<ConversationListGrain> logger) : Grain, IConversationListGrain
{
    private const int MostConversations = 1000;

    private KeptState<ConversationListState> _kept = null!;

    private IReadOnlyList<ConversationEntry> Entries => _kept.Known?.Entries ?? [];

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _kept = new(stored, DeactivateOnIdle, time, logger);
        return base.OnActivateAsync(cancellationToken);
    }

    public async Task Put(ConversationEntry entry)
    {
        if (Entries.Count >= MostConversations && Entries.All(other => other.Id != entry.Id))
            throw new ChatException(ChatError.ConversationsFull, $"There are {MostConversations} conversations already, the most that one person may have. Delete some.");
        await _kept.Write(before => new()
        {
            Entries = [.. (before?.Entries ?? []).Where(other => other.Id != entry.Id).Append(entry).OrderByDescending(other => other.Updated)],
        });
    }

    public async Task Remove(string id)
    {
        if (Entries.Any(entry => entry.Id == id))
            await _kept.Write(before => new() { Entries = [.. before!.Entries.Where(entry => entry.Id != id)] });
    }

    public Task<ConversationPage> List(int limit, string? after, string? search)
    {
        var fitting = Entries.Where(entry => search is null || Has(entry.Title, search) || Has(entry.Preview, search)).ToList();
        int from = after is null ? 0 : fitting.FindIndex(entry => entry.Id == after) + 1;
        return Task.FromResult(new ConversationPage([.. fitting.Skip(from).Take(limit)], from + limit < fitting.Count, fitting.Count));
    }

    private static bool Has(string? text, string search) => text?.Contains(search, StringComparison.OrdinalIgnoreCase) == true;
}

[GenerateSerializer, Immutable, Alias("SmolCluster.ConversationListState")]
internal sealed record ConversationListState
{
    /// <summary>The one that changed last first.</summary>
    [Id(0)] public IReadOnlyList<ConversationEntry> Entries { get; init; } = [];
}
