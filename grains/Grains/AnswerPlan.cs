using System.Text;
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

    /// <summary>Rendering and tokenizing a large prompt takes its thread for long; half of them stay free for the cluster.</summary>
    private static readonly SemaphoreSlim s_encoders = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <exception cref="ChatException">InvalidLogitBias, InvalidMessages or ContextLengthExceeded.</exception>
    public static async Task<GenerationRequest> For(ChatRequest request, IChatModel model, CancellationToken cancellation)
    {
        RequireKnownTokens(request.Sampling.LogitBias.Keys, model.VocabularyLength);
        RequireRoom(request.Messages, model);
        var prompt = await Encode(request, model, cancellation);
        var maxTokens = MaxTokens(request.MaxTokens, prompt.Length, model.Card.ContextLength);
        return new GenerationRequest(prompt, prompt.Length, maxTokens, Options(request.Sampling), request.User)
        {
            Weight = request.Weight > 0 ? request.Weight : 1, // an older gateway says nothing
        };
    }

    private static void RequireKnownTokens(IEnumerable<int> tokens, int vocabulary)
    {
        foreach (int token in tokens)
            if ((uint)token >= (uint)vocabulary)
                throw new ChatException(ChatError.InvalidLogitBias, $"logit_bias names token {token}; this model has tokens 0 to {vocabulary - 1}.");
    }

    /// <summary>Refuses what no tokenizing could make fit, before any work is done on it.</summary>
    private static void RequireRoom(IReadOnlyList<ChatMessage> messages, IChatModel model)
    {
        long bytes = messages.Sum(message => (long)Encoding.UTF8.GetByteCount(message.Content));
        int context = model.Card.ContextLength;
        if (bytes > (long)context * model.LongestToken)
            throw TooLong($"This model's context is {context} tokens of at most {model.LongestToken} bytes; your messages have {bytes} bytes, "
                + $"which is more than {bytes / model.LongestToken} tokens however they are cut.");
    }

    private static async Task<int[]> Encode(ChatRequest request, IChatModel model, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        await s_encoders.WaitAsync(cancellation);
        try
        {
            return model.EncodeChat(TemplateContext(request), request.Asked);
        }
        catch (TemplateException refusal)
        {
            throw new ChatException(ChatError.InvalidMessages, refusal.Message);
        }
        finally
        {
            s_encoders.Release();
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
