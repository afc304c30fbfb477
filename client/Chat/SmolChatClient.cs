using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Chat;

/// <summary>Chats with a model of this process or of a cluster. Thread-safe; many conversations at once share the model's batch.
/// <para>Of <see cref="ChatOptions"/> it takes sampling, lengths, stops, the form of the answer, tools and reasoning; beside them
/// <c>min_p</c>, <c>repetition_penalty</c>, <c>enable_thinking</c> and <c>thinking_budget</c> among the additional properties, and
/// <c>strict</c> among those of a function. What it cannot do is a <see cref="NotSupportedException"/>, a number out of its range an
/// <see cref="ArgumentException"/>, and what the model or the cluster refuses a <see cref="ChatException"/>.</para>
/// <para>Reasoning comes as <see cref="TextReasoningContent"/>, a tool's call as one <see cref="FunctionCallContent"/> once it is whole, and the
/// last update has usage and finish reason. Leaving the enumeration, or cancelling it, frees the model's cache.</para></summary>
public sealed class SmolChatClient : IChatClient
{
    private readonly Func<ChatRequest, CancellationToken, IAsyncEnumerable<GenerationEvent>> _answer;
    private readonly ChatClientMetadata _metadata;
    private readonly string _model, _user;
    private readonly IChatModel? _local;
    private readonly bool _owns;

    /// <summary>A model of this process, which stays the caller's to dispose.</summary>
    public SmolChatClient(IChatModel model) : this(model, owns: false) { }

    /// <summary>A model of a cluster. A silo that goes away changes no answer: it goes on elsewhere, with the same text.</summary>
    /// <param name="cluster">A connected client of the cluster, <c>IClusterClient</c>, or a silo's grain factory.</param>
    /// <param name="model">Which answers where the options name none.</param>
    /// <param name="user">Whose turn it is in the fair queue.</param>
    /// <param name="logger">Told when an answer goes on elsewhere; null: nobody is.</param>
    public SmolChatClient(IGrainFactory cluster, string model, string user = "library", ILogger<SmolChatClient>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(cluster);
        ArgumentException.ThrowIfNullOrEmpty(model);
        ArgumentException.ThrowIfNullOrEmpty(user);
        (_model, _user) = (model, user);
        _metadata = new("smolcluster", null, model);
        _answer = new ClusterAnswers(cluster, logger ?? NullLogger<SmolChatClient>.Instance).Run;
    }

    private SmolChatClient(IChatModel model, bool owns)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _user, _local, _owns) = (model.Card.Id, "library", model, owns);
        _metadata = new("smolcluster", null, model.Card.Id);
        _answer = new LocalAnswers(model).Run;
    }

    /// <summary>Loads a model, which is disposed with the client.</summary>
    /// <param name="path">A GGUF file, or a Hugging Face folder with SafeTensors.</param>
    /// <exception cref="Engine.Gguf.GgufException">The file cannot be used; the message says why.</exception>
    /// <exception cref="Engine.Conversion.CheckpointException">The folder cannot be used; the message says why.</exception>
    public static SmolChatClient Load(string path, EngineOptions? options = null, IProgress<double>? progress = null) =>
        new(GgufChatModel.Load(path, options ?? new EngineOptions(), progress), owns: true);

    public Task<ChatResponse> GetResponseAsync(IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<Microsoft.Extensions.AI.ChatMessage> messages, ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var request = RequestMaking.Of(messages, options ?? new ChatOptions(), _model, _user);
        return Updates(request, new UpdateMaking(request.Model, options?.Reasoning?.Output != ReasoningOutput.None), cancellationToken);
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : serviceType.IsInstanceOfType(_local) ? _local
            : null;
    }

    public void Dispose()
    {
        if (_owns) _local!.Dispose();
    }

    private async IAsyncEnumerable<ChatResponseUpdate> Updates(ChatRequest request, UpdateMaking making, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var happened in _answer(request, cancellation))
            foreach (var update in making.Of(happened))
                yield return update;
    }
}
