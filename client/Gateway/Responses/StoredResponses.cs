using SmolCluster.Contracts;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Keys;

namespace SmolCluster.Gateway.Responses;

/// <summary>Responses that the cluster keeps. With keys, each is its key's alone; to others it is not there.</summary>
internal sealed class StoredResponses(IGrainFactory grains, Models.ModelDirectory models)
{
    public IConversationGrain Conversation(string id) => grains.GetGrain<IConversationGrain>(id);

    /// <exception cref="ApiException">404: there is none, or it is another's.</exception>
    public async Task<(ConversationSnapshot Known, ResponseObject Response)> Find(string id, HttpContext http)
    {
        models.ThrowIfConnecting();
        var known = ResponseId.Is(id) ? await Conversation(id).Read() : null;
        return known is { Request.Notes: { } notes } && http.MayRead(known.Request.User)
            ? (known, new(id, known.Request.Asked!.Value.ToUnixTimeSeconds(), ResponseNotes.From(notes)))
            : throw new ApiException(ApiError.Request(StatusCodes.Status404NotFound, "response_not_found",
                $"There is no response '{id}': it was never made, was made with 'store': false, or is deleted."));
    }

    /// <summary>What a response that goes on from this one begins with: all messages but its instructions, and its answer.</summary>
    /// <exception cref="ApiException">404, or 400: it has not ended.</exception>
    public async Task<IReadOnlyList<ChatMessage>> MessagesOf(string id, HttpContext http)
    {
        var (known, response) = await Find(id, http);
        if (known.FinishReason is null)
            throw new ApiException(ApiError.Invalid("previous_response_id", "invalid_value", $"Invalid 'previous_response_id': the response '{id}' has not ended yet."));
        var content = ContentOf(known);
        return
        [
            .. known.Request.Messages.Skip(response.Notes.Instructions),
            new("assistant", content.Text) { ReasoningContent = content.Reasoning is { Length: > 0 } reasoning ? reasoning : null, ToolCalls = content.ToolCalls },
        ];
    }

    public static AnswerContent ContentOf(ConversationSnapshot known)
    {
        var content = new AnswerContent();
        if (known.Reasoning.Length > 0)
            content.Add(new ReasoningDelta(0, known.Reasoning, []));
        if (known.Text.Length > 0)
            content.Add(new TextDelta(0, known.Text, []));
        foreach (var (index, call) in known.ToolCalls.Index())
            content.Add(new ToolCallDelta(0, index, call.Id, call.Name, call.Arguments, []));
        return content;
    }
}
