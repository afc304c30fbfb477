using System.Text.Json.Nodes;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Serving;

/// <summary>The stub behind the real batch loop: its steps take the time of <see cref="StepPace"/> and no processor. For measuring
/// what surrounds a model (gateways, grains, fairness, a cluster of more nodes than the machine has processors).</summary>
public sealed class PacedChatModel : IChatModel
{
    /// <summary>64 k tokens.</summary>
    private const int Pages = 1024;

    // the smallest shape there is: pages are counted and shared as those of a model, and hold next to nothing
    private static readonly ModelConfig s_shape = new()
    {
        Architecture = "stub",
        Name = "stub",
        BlockCount = 1,
        ContextLength = Pages * KvLayout.PageLength,
        EmbeddingLength = 1,
        FeedForwardLength = 1,
        HeadCount = 1,
        HeadCountKv = 1,
        HeadLength = 1,
        RmsEpsilon = 1,
        VocabularyLength = StubChatModel.EndToken + 1,
        NoRopeInterval = 0,
        Rope = new RopeConfig(0, 1, RopeScaling.None, 1, 1, 0, 1, 1, 1),
    };

    private readonly StubChatModel _stub;
    private readonly KvPagePool _pool = new(new KvLayout(s_shape, KvType.F16), Pages, new PrefixIndex());
    private readonly BatchScheduler _scheduler;

    /// <param name="stub">Its name, text and context; its pace is another's.</param>
    /// <param name="pace">Of the steps.</param>
    public PacedChatModel(StubOptions stub, StepPace pace)
    {
        _stub = new StubChatModel(stub, TimeProvider.System);
        var options = new EngineOptions { Speculation = false };
        options.Validate();
        var decoder = new PacedDecoder(pace, stub.Text, options.StepTokens);
        _scheduler = new BatchScheduler(decoder, _pool, options, default, VocabularyLength);
    }

    public ModelCard Card => _stub.Card;

    public int VocabularyLength => _stub.VocabularyLength;

    public int LongestToken => _stub.LongestToken;

    /// <summary>KV pages that answers hold now, those kept beside for answers to come, and the most there can be.</summary>
    public (int Used, int Idle, int Capacity, long PageBytes) Cache =>
        (_pool.Used, _pool.Index!.IdleCount, _pool.Capacity, _pool.Layout.PageBytes);

    public int[] EncodeChat(JsonObject context, DateTimeOffset? now = null) => _stub.EncodeChat(context, now);

    public int[] EncodeText(string text, bool addBegin, bool parseSpecial) => _stub.EncodeText(text, addBegin, parseSpecial);

    public ReadOnlySpan<byte> Bytes(int token) => _stub.Bytes(token);

    public AnswerForm Form => _stub.Form;

    public Task<float[]> Embed(int[] tokens, string user, CancellationToken cancellation) => _stub.Embed(tokens, user, cancellation);

    public ReadOnlySpan<byte> VisibleBytes(int token) => _stub.VisibleBytes(token);

    public bool EndsAnswer(int token) => _stub.EndsAnswer(token);

    public Generation Submit(GenerationRequest request)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((long)request.Tokens.Length + request.MaxTokens, Card.ContextLength);
        return _scheduler.Submit(request);
    }

    public void Dispose()
    {
        _scheduler.Dispose();
        _pool.Dispose();
        _stub.Dispose();
    }
}
