using SmolCluster.Contracts;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Sampling.Constraints;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Answering;

/// <summary>From what a person asked to what the batch loop computes and how its tokens are read. Refuses what does not fit
/// instead of cutting it: the person gets both counts and decides.</summary>
/// <param name="Generation">The whole answer.</param>
internal sealed record AnswerPlan(GenerationRequest Generation, AnswerReading Reading)
{
    /// <summary>Of the prompt, left out because it was too long.</summary>
    public int DroppedTokens { get; init; }

    /// <summary>See <see cref="ChatRequest.PromptRoom"/>.</summary>
    public int? PromptRoom { get; init; }

    /// <exception cref="ChatException">InvalidLogitBias, NotSupported, InvalidMessages, InvalidConstraint or ContextLengthExceeded.</exception>
    public static async Task<AnswerPlan> For(ChatRequest request, IChatModel model, CancellationToken cancellation)
    {
        RequireKnownTokens(request.Sampling.LogitBias.Keys, model.VocabularyLength);
        var (prompt, dropped) = await PromptTokens.Of(request, model, cancellation);
        var maxTokens = MaxTokens(request.MaxTokens, prompt.Length, model.Card.ContextLength);
        if (request.MinTokens > maxTokens)
            throw TooLong($"min_tokens asks for {request.MinTokens}, but this answer can have {maxTokens} at most.");
        bool raw = request.Prompt is not null;
        var reading = new AnswerReading(request.Stop, maxTokens, request.Tools is not null, request.Tools is { Parallel: false },
            !raw && ThinkingPlan.IsBegunBy(prompt, model), raw);
        var generation = new GenerationRequest(prompt, prompt.Length, maxTokens, Options(request.Sampling), request.User)
        {
            Weight = request.Weight > 0 ? request.Weight : 1, // an older gateway says nothing
            Constraint = AnswerBounds.Of(request) is { } constraint ? await Compile(constraint, model, prompt, cancellation) : null,
            TopLogprobs = request.TopLogprobs,
            MinTokens = request.MinTokens,
            Thinking = raw ? null : ThinkingPlan.Budget(request.Thinking, reading.Reasoning, model),
        };
        return new(generation, reading) { DroppedTokens = dropped, PromptRoom = request.TruncatePrompt ? prompt.Length : null };
    }

    /// <summary>In its turn with the prompts: a large schema takes some tenths of a second.</summary>
    private static async Task<TokenConstraint> Compile(AnswerConstraint constraint, IChatModel model, int[] prompt, CancellationToken cancellation)
    {
        try
        {
            var source = new ConstraintSource(Kind(constraint.Kind), constraint.Text);
            return await PromptTokens.Run(() => model.Compile(source, prompt), cancellation);
        }
        catch (ConstraintException refusal)
        {
            string field = constraint.Field + refusal.Path;
            throw new ChatException(ChatError.InvalidConstraint, $"Invalid '{field}': {refusal.Message}") { Field = field };
        }
    }

    private static ConstraintKind Kind(AnswerConstraintKind kind) => kind switch
    {
        AnswerConstraintKind.Json => ConstraintKind.Json,
        AnswerConstraintKind.JsonSchema => ConstraintKind.JsonSchema,
        AnswerConstraintKind.Regex => ConstraintKind.Regex,
        AnswerConstraintKind.Grammar => ConstraintKind.Grammar,
        AnswerConstraintKind.Choice => ConstraintKind.Choice,
        AnswerConstraintKind.ToolCalls => ConstraintKind.ToolCalls,
        _ => throw new ChatException(ChatError.InvalidConstraint, $"This silo does not know the kind of constraint {(int)kind}; it is older than who asks."),
    };

    private static void RequireKnownTokens(IEnumerable<int> tokens, int vocabulary)
    {
        foreach (int token in tokens)
            if ((uint)token >= (uint)vocabulary)
                throw new ChatException(ChatError.InvalidLogitBias, $"logit_bias names token {token}; this model has tokens 0 to {vocabulary - 1}.");
    }

    private static int MaxTokens(int? asked, int prompt, int context)
    {
        if (asked < 1)
            throw new ChatException(ChatError.InvalidMessages, $"max_tokens is {asked}; it must be at least 1.");
        if (asked is null && prompt >= context)
            throw TooLong($"This model's context is {context} tokens; your messages alone have {prompt}, which leaves no room for an answer.");
        if (asked is { } more && (long)prompt + more > context)
            throw TooLong($"This model's context is {context} tokens; your messages have {prompt} and max_tokens asks for {more} more.");
        return asked ?? context - prompt;
    }

    private static ChatException TooLong(string message) =>
        new(ChatError.ContextLengthExceeded, message + " Shorten the messages or ask for fewer tokens.");

    /// <summary>The same, as the engine takes them.</summary>
    public static SamplingOptions Options(SamplingSettings settings) => new()
    {
        Temperature = settings.Temperature,
        TopK = settings.TopK,
        TopP = settings.TopP,
        MinP = settings.MinP,
        RepetitionPenalty = settings.RepetitionPenalty,
        PresencePenalty = settings.PresencePenalty,
        FrequencyPenalty = settings.FrequencyPenalty,
        LogitBias = settings.LogitBias,
        Seed = settings.Seed,
    };
}
