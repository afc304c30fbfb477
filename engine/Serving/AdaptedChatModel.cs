using System.Text.Json.Nodes;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Sampling.Constraints;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Serving;

/// <summary>A model with a LoRA adapter, under a name of its own. Weights, batch and cache are the base's, so that conversations with and
/// without adapters share its steps; their tokens, and the pages that they may find of others, are their own. Disposing it leaves
/// the base as it is.</summary>
public sealed class AdaptedChatModel : IChatModel
{
    private readonly GgufChatModel _base;
    private readonly Adapter _adapter;

    /// <param name="id">The name clients use.</param>
    /// <param name="path">The adapter's file.</param>
    /// <param name="scale">How much of it, 1 as it was trained.</param>
    /// <exception cref="GgufException">The file is no adapter of this model.</exception>
    public AdaptedChatModel(GgufChatModel model, string id, string path, float scale = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_base, _adapter) = (model, model.LoadAdapter(path, scale));
        Card = model.Card with { Id = id, Parent = model.Card.Id, ContentHash = $"{model.Card.ContentHash}+lora:{_adapter.Hash}" };
    }

    public ModelCard Card { get; }

    /// <summary>The base's.</summary>
    public (int Used, int Idle, int Capacity, long PageBytes) Cache => _base.Cache;

    public int VocabularyLength => _base.VocabularyLength;

    public int LongestToken => _base.LongestToken;

    public AnswerForm Form => _base.Form;

    public int[] EncodeChat(JsonObject context, DateTimeOffset? now = null) => _base.EncodeChat(context, now);

    public int[] EncodeText(string text, bool addBegin, bool parseSpecial) => _base.EncodeText(text, addBegin, parseSpecial);

    public ReadOnlySpan<byte> Bytes(int token) => _base.Bytes(token);

    public ReadOnlySpan<byte> VisibleBytes(int token) => _base.VisibleBytes(token);

    public bool EndsAnswer(int token) => _base.EndsAnswer(token);

    public Task<float[]> Embed(int[] tokens, string user, CancellationToken cancellation) => _base.Embed(tokens, user, _adapter, cancellation);

    public TokenConstraint Compile(ConstraintSource source, ReadOnlySpan<int> prompt) => _base.Compile(source, prompt);

    public Generation Submit(GenerationRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return _base.Submit(request with { Adapter = _adapter });
    }

    public void Dispose()
    {
    }
}
