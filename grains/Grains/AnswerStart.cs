using SmolCluster.Answering;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Grains;

/// <summary>From where an answer goes on: what its reader has, and what is known of it from the reader or from the record,
/// whichever knows more.</summary>
internal sealed class AnswerStart
{
    private readonly AnswerCursor _reader;
    private readonly ConversationState _state;

    private AnswerStart(AnswerCursor reader, ConversationState state) => (_reader, _state) = (reader, state);

    /// <summary>With the most tokens that were possible where it began, if it began already: another silo's context may be
    /// longer or shorter, and the answer has the length that its first silo promised.</summary>
    public ChatRequest Request => _state.Request!;

    /// <summary>Known of the answer, so that they need not be sampled again. Nobody keeps logprobs: where they are asked for, these are
    /// the reader's tokens only, and the others are sampled again, identically, with theirs.</summary>
    public IReadOnlyList<int> Tokens => Request.TopLogprobs is null ? _state.Tokens : _reader.Tokens ?? [];

    /// <summary>As the first silo found it; null: not known yet.</summary>
    public int? CachedTokens => _state.CachedTokens;

    public static AnswerStart New(ChatRequest request) => new(new AnswerCursor(0), new ConversationState { Request = request });

    /// <exception cref="ChatException">AnswerNotFound: neither the reader nor the record has the request. ModelDiffers: they tell
    /// different answers.</exception>
    public static AnswerStart Again(ChatRequest? request, AnswerCursor reader, ConversationState? record)
    {
        if ((request ?? record?.Request) is not { } asked)
            throw new ChatException(ChatError.AnswerNotFound, "There is no such answer: it was never asked for, or it was delivered and is forgotten.");
        var recorded = record?.Tokens ?? [];
        var read = reader.Tokens ?? [];
        var longer = read.Count > recorded.Count ? read : recorded;
        if (!read.SequenceEqual(longer.Take(read.Count)) || !recorded.SequenceEqual(longer.Take(recorded.Count)))
            throw new ChatException(ChatError.ModelDiffers, "What the reader has of this answer and what is on record are different answers.");
        return new(reader, new ConversationState
        {
            Request = record is null ? asked : asked with { MaxTokens = record.MaxTokens },
            Identity = reader.Identity ?? record?.Identity ?? "",
            Tokens = longer,
            Text = record?.Text ?? "",
            Reasoning = record?.Reasoning ?? "",
            ToolCalls = record?.ToolCalls ?? [],
            CachedTokens = reader.CachedTokens ?? record?.CachedTokens,
        });
    }

    /// <summary>What is to be written before the first event.</summary>
    /// <exception cref="ChatException">ModelDiffers: this silo's model of that name would go on with other words.</exception>
    public ConversationState On(ModelCard card, AnswerPlan plan)
    {
        if (_state.Identity.Length > 0 && _state.Identity != card.Identity)
            throw new ChatException(ChatError.ModelDiffers,
                $"This answer was begun by a model '{card.Id}' of content {_state.Identity}; this silo's has {card.Identity} and would go on with other words.");
        return _state with { Identity = card.Identity, MaxTokens = plan.Reading.MaxTokens, Request = Request with { PromptRoom = plan.PromptRoom } };
    }

    /// <summary>Whether the reader lacks it. The last event is always sent: a reader may have it and not have passed it on.</summary>
    public bool IsNew(GenerationEvent happened) => happened.Number > _reader.Number || happened is AnswerFinished;

    /// <summary>Holds an event at the reader's own position against the tokens that the reader had there.</summary>
    /// <exception cref="ChatException">ModelDiffers: the same tokens gave other events there than here.</exception>
    public void Check(AnswerDelta happened, int tokens)
    {
        if (happened.Number == _reader.Number && _reader.Tokens is { } read && read.Count != tokens)
            throw new ChatException(ChatError.ModelDiffers,
                $"Event {happened.Number} of this answer came after {read.Count} tokens where it began, but after {tokens} here.");
    }
}
