using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Contracts;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Grains;

/// <summary>From what a person asked to what the batch loop computes. Refuses what does not fit instead of cutting it: the
/// person gets both counts and decides.</summary>
internal static class AnswerPlan
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <exception cref="ChatException">InvalidLogitBias, InvalidMessages or ContextLengthExceeded.</exception>
    public static GenerationRequest For(ChatRequest request, IChatModel model)
    {
        RequireKnownTokens(request.Sampling.LogitBias.Keys, model.VocabularyLength);
        var prompt = Encode(request, model);
        var maxTokens = MaxTokens(request.MaxTokens, prompt.Length, model.Card.ContextLength);
        return new GenerationRequest(prompt, prompt.Length, maxTokens, Options(request.Sampling), request.User);
    }

    private static void RequireKnownTokens(IEnumerable<int> tokens, int vocabulary)
    {
        foreach (int token in tokens)
            if ((uint)token >= (uint)vocabulary)
                throw new ChatException(ChatError.InvalidLogitBias, $"logit_bias names token {token}; this model has tokens 0 to {vocabulary - 1}.");
    }

    private static int[] Encode(ChatRequest request, IChatModel model)
    {
        try
        {
            return model.EncodeChat(TemplateContext(request));
        }
        catch (TemplateException refusal)
        {
            throw new ChatException(ChatError.InvalidMessages, refusal.Message);
        }
    }

    /// <summary>The request's variables first, so that none of them can stand in for the messages.</summary>
    private static JsonObject TemplateContext(ChatRequest request)
    {
        var context = Variables(request.VariablesJson);
        context["messages"] = new JsonArray(
            [.. request.Messages.Select(message => new JsonObject { ["role"] = message.Role, ["content"] = message.Content })]);
        context["add_generation_prompt"] = true;
        return context;
    }

    private static JsonObject Variables(string? json)
    {
        if (json is null) return [];
        try
        {
            return JsonNode.Parse(json, documentOptions: s_strict) as JsonObject
                ?? throw new ChatException(ChatError.InvalidMessages, "The template variables must be a JSON object.");
        }
        catch (JsonException problem)
        {
            throw new ChatException(ChatError.InvalidMessages, $"The template variables are not valid JSON: {problem.Message}");
        }
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

    private static SamplingOptions Options(SamplingSettings settings) => new()
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
