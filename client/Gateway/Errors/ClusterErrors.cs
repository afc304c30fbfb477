using System.Net.Sockets;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Errors;

/// <summary>What a failure inside the cluster means to the client of the API.</summary>
internal static class ClusterErrors
{
    private static readonly TimeSpan SoonAgain = TimeSpan.FromSeconds(2);

    public static ApiError From(Exception exception) => exception switch
    {
        ApiException api => api.Error,
        ChatException chat => FromChat(chat),
        BadHttpRequestException bad => ApiError.Request(bad.StatusCode, "bad_http_request", bad.Message),
        _ when AnswerStream.Broke(exception) => ApiError.Server(StatusCodes.Status502BadGateway, "stream_broken",
            $"The silo that was answering went away ({exception.GetType().Name}). Send the request again.", SoonAgain),
        OrleansException or SocketException => ApiError.Server(StatusCodes.Status503ServiceUnavailable, "cluster_unavailable",
            $"No silo of the cluster can be reached ({exception.Message}). Try again shortly.", SoonAgain),
        _ => ApiError.Server(StatusCodes.Status500InternalServerError, "internal_error",
            $"The gateway or a silo failed with {exception.GetType().Name}; its log has the details."),
    };

    /// <summary>Failures that are the client's or the cluster's state, and so not worth an error with a stack in the log.</summary>
    public static bool IsExpected(Exception exception) =>
        exception is ApiException or ChatException or BadHttpRequestException or OrleansException || AnswerStream.Broke(exception);

    private static ApiError FromChat(ChatException chat) => chat.Error switch
    {
        ChatError.ModelNotFound => new(404, chat.Message, "invalid_request_error", "model", "model_not_found"),
        ChatError.ModelLoading => ApiError.Server(503, "model_loading", chat.Message, chat.RetryAfter ?? SoonAgain),
        ChatError.ModelFailed => ApiError.Server(503, "model_failed", chat.Message),
        ChatError.InvalidMessages => ApiError.Invalid("messages", "invalid_messages", chat.Message),
        ChatError.ContextLengthExceeded => ApiError.Invalid("messages", "context_length_exceeded", chat.Message),
        ChatError.InvalidConstraint => ApiError.Invalid(chat.Field, "invalid_constraint", chat.Message),
        ChatError.InvalidLogitBias => ApiError.Invalid("logit_bias", "invalid_value", chat.Message),
        ChatError.InvalidPrompt => ApiError.Invalid(null, "invalid_prompt", chat.Message),
        ChatError.NotSupported => ApiError.Invalid(chat.Field, "unsupported_parameter", chat.Message),
        ChatError.Interrupted => ApiError.Server(502, "stream_broken", chat.Message, SoonAgain),
        ChatError.StorageUnavailable => ApiError.Server(503, "storage_unavailable", chat.Message, chat.RetryAfter ?? SoonAgain),
        ChatError.TakenOver => ApiError.Request(409, "answer_taken_over", chat.Message),
        ChatError.ModelDiffers => ApiError.Server(502, "model_differs", chat.Message, SoonAgain),
        ChatError.AnswerNotFound => ApiError.Request(404, "answer_not_found", chat.Message),
        ChatError.Busy => ApiError.Request(409, "conversation_busy", chat.Message),
        ChatError.ConversationNotFound => ApiError.Request(404, "conversation_not_found", chat.Message),
        ChatError.MessageNotFound => ApiError.Request(404, "message_not_found", chat.Message),
        ChatError.ConversationFull => ApiError.Request(409, "conversation_full", chat.Message),
        ChatError.ConversationsFull => ApiError.Request(409, "too_many_conversations", chat.Message),
        ChatError.QueueFull => new(429, chat.Message, "rate_limit_error", null, "queue_full", chat.RetryAfter ?? SoonAgain),
        _ => throw new InvalidOperationException($"ChatError {chat.Error} has no status here; add it to ClusterErrors.", chat),
    };
}
