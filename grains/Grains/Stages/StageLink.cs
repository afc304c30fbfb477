using SmolCluster.Engine.Pipeline;

namespace SmolCluster.Grains.Stages;

/// <summary>The way from the silo with the first layers to one with others.</summary>
internal sealed class StageLink(StageClient client, SiloAddress silo, StageOrder order) : IStageLink
{
    private readonly TaskCompletionSource<byte[]> _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string? _problem;

    public SiloAddress Silo => silo;

    public StageOrder Order => order;

    /// <summary>Why the stage is lost; null: it is not, as far as is known.</summary>
    public string? Problem => _problem;

    public async Task<byte[]> Run(StageStep work)
    {
        try
        {
            return await (await Task.WhenAny(client.Run(silo, StageWork.Of(order, work)), _left.Task).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            _problem ??= failure is OrleansException or TimeoutException ? "it does not answer" : failure.Message;
            throw;
        }
    }

    public Task Open() => client.Open(silo, order);

    public Task Close() => client.Close(silo, order.Model, order.Plan);

    /// <summary>Nobody waits for it any longer: who ends cannot wait until a silo that is gone is known to be.</summary>
    public void Leave() => _left.TrySetException(new ObjectDisposedException(nameof(StageLink), $"The way to silo {silo} with {order.Range} was left."));
}
