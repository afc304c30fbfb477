using System.Text;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Answering;

/// <summary>A request's prompt in tokens: of its messages, or of the text or tokens that it continues.</summary>
internal static class PromptTokens
{
    /// <summary>Rendering and tokenizing a large prompt takes its thread for long; half of them stay free for the cluster.</summary>
    private static readonly SemaphoreSlim s_encoders = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <returns>And how many tokens of the whole prompt are left out, because it was too long and may be shortened.</returns>
    /// <exception cref="ChatException">NotSupported, InvalidMessages or ContextLengthExceeded.</exception>
    public static async Task<(int[] Tokens, int Dropped)> Of(ChatRequest request, IChatModel model, CancellationToken cancellation)
    {
        if (!request.TruncatePrompt) RequireRoom(request, model);
        return await Run(() => Encode(request, model), cancellation);
    }

    /// <summary>Does the work of an encoding in its turn.</summary>
    public static async Task<T> Run<T>(Func<T> encoding, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        await s_encoders.WaitAsync(cancellation);
        try
        {
            return encoding();
        }
        finally
        {
            s_encoders.Release();
        }
    }

    /// <exception cref="ChatException">InvalidPrompt: one is none of the model's.</exception>
    public static void RequireKnown(IReadOnlyList<int> tokens, IChatModel model)
    {
        for (int place = 0; place < tokens.Count; place++)
            if ((uint)tokens[place] >= (uint)model.VocabularyLength)
                throw new ChatException(ChatError.InvalidPrompt, $"Token {place} is {tokens[place]}; this model has tokens 0 to {model.VocabularyLength - 1}.");
    }

    private static (int[] Tokens, int Dropped) Encode(ChatRequest request, IChatModel model)
    {
        if (request.Prompt is { } raw) return (Continue(raw, model), 0);
        int[] whole = ChatPrompt.Encode(request, model);
        int room = request.PromptRoom ?? model.Card.ContextLength - (request.MaxTokens ?? model.Card.ContextLength / 4);
        if (!request.TruncatePrompt || whole.Length <= room) return (whole, 0);
        int[] kept = Shorten(request, model, room) ?? whole;
        return (kept, whole.Length - kept.Length);
    }

    /// <summary>Leaves out the oldest turns after the system's messages, as few as possible and whole ones, so that what is left begins with a
    /// person's message.</summary>
    /// <returns>Null: not even the last turn fits.</returns>
    private static int[]? Shorten(ChatRequest request, IChatModel model, int room)
    {
        int system = request.Messages.TakeWhile(message => message.Role == "system").Count();
        var starts = Enumerable.Range(0, request.Messages.Count).Where(at => at > system && request.Messages[at].Role == "user").ToArray();
        int[]? best = null;
        // the further on it starts, the shorter it is
        for (int low = 0, high = starts.Length - 1; low <= high;)
        {
            int middle = (low + high) / 2;
            int[] tokens = ChatPrompt.Encode(request with { Messages = [.. request.Messages.Take(system), .. request.Messages.Skip(starts[middle])] }, model);
            if (tokens.Length <= room) (best, high) = (tokens, middle - 1);
            else low = middle + 1;
        }
        return best;
    }

    /// <exception cref="ChatException">InvalidPrompt: it is empty, or a token is none of the model's.</exception>
    public static int[] Continue(RawPrompt raw, IChatModel model)
    {
        int[] tokens = raw.Tokens is { } given ? [.. given] : model.EncodeText(raw.Text ?? "", addBegin: true, parseSpecial: false);
        if (tokens.Length == 0)
            throw new ChatException(ChatError.InvalidPrompt, $"The prompt is empty, and the model '{model.Card.Id}' has no token that texts begin with. Send some text.");
        RequireKnown(tokens, model);
        return tokens;
    }

    /// <summary>Refuses what no tokenizing could make fit, before any work is done on it.</summary>
    private static void RequireRoom(ChatRequest request, IChatModel model)
    {
        long bytes = request.Messages.Sum(Bytes) + Bytes(request.Tools?.Json) + Bytes(request.Prompt?.Text);
        int context = model.Card.ContextLength;
        if (bytes > (long)context * model.LongestToken)
            throw new ChatException(ChatError.ContextLengthExceeded,
                $"This model's context is {context} tokens of at most {model.LongestToken} bytes; your messages have {bytes} bytes, which is more than "
                + $"{bytes / model.LongestToken} tokens however they are cut. Shorten the messages or ask for fewer tokens.");
    }

    private static long Bytes(ChatMessage message) => Bytes(message.Content) + message.ToolCalls.Sum(call => Bytes(call.Name) + Bytes(call.Arguments));

    private static long Bytes(string? text) => text is null ? 0 : Encoding.UTF8.GetByteCount(text);
}
