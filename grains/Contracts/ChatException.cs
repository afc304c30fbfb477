namespace SmolCluster.Contracts;

/// <summary>A request that cannot be served, for the person who sent it.</summary>
[GenerateSerializer, Alias("SmolCluster.ChatException")]
public sealed class ChatException(ChatError error, string message) : Exception(message)
{
    [Id(0)] public ChatError Error { get; } = error;

    /// <summary>When trying again makes sense, for <see cref="ChatError.QueueFull"/>, <see cref="ChatError.ModelLoading"/> and
    /// <see cref="ChatError.StorageUnavailable"/>.</summary>
    [Id(1)] public TimeSpan? RetryAfter { get; init; }

    /// <summary>The field at fault with the path in it, for <see cref="ChatError.InvalidConstraint"/> and, where one is, <see cref="ChatError.NotSupported"/>.</summary>
    [Id(2)] public string? Field { get; init; }
}

[GenerateSerializer, Alias("SmolCluster.ChatError")]
public enum ChatError
{
    /// <summary>No silo has the model: 404.</summary>
    ModelNotFound,
    /// <summary>Still loading: 503.</summary>
    ModelLoading,
    /// <summary>Loading failed: 503, and nothing takes its place.</summary>
    ModelFailed,
    /// <summary>The template refused the messages: 400.</summary>
    InvalidMessages,
    /// <summary>Prompt and asked-for tokens exceed the context: 400 with both counts.</summary>
    ContextLengthExceeded,
    /// <summary>The conversation is answering already: 409.</summary>
    Busy,
    /// <summary>The bounded queue is full: 429.</summary>
    QueueFull,
    /// <summary>A logit bias names a token that the model does not have: 400.</summary>
    InvalidLogitBias,
    /// <summary>The answer was ended from outside (model unloaded, conversation moved), not wrong: 502, another try may work.</summary>
    Interrupted,
    /// <summary>Storage does not take what must be kept: 503, and nothing was begun.</summary>
    StorageUnavailable,
    /// <summary>Another reader goes on with this answer: the one before it ends here.</summary>
    TakenOver,
    /// <summary>The answer was begun by a model of this name with other content: this silo cannot go on with it.</summary>
    ModelDiffers,
    /// <summary>No such answer: it was never asked for, or is delivered and forgotten: 404.</summary>
    AnswerNotFound,
    /// <summary>The model cannot do what is asked (tools without a form of calls): 400.</summary>
    NotSupported,
    /// <summary>A raw prompt or input is empty, or holds tokens that the model does not have: 400.</summary>
    InvalidPrompt,
    /// <summary>The answer cannot be kept to what is asked of it: 400.</summary>
    InvalidConstraint,
    /// <summary>There is no such conversation, or it is another's: 404.</summary>
    ConversationNotFound,
    /// <summary>The conversation has no such message, or not one that this can be done with: 404.</summary>
    MessageNotFound,
    /// <summary>The conversation has as many messages or as much text as one may have: 409.</summary>
    ConversationFull,
    /// <summary>The owner has as many conversations as one may have: 409.</summary>
    ConversationsFull,
}
