using System.Collections.Frozen;
using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Sampling.Constraints;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Serving;

/// <summary>A model that answers chats on this node: <c>GgufChatModel</c>, the real one, <c>StubChatModel</c>, canned
/// text for trying clients, <c>AdaptedChatModel</c>, another with a LoRA adapter, or <c>PacedChatModel</c>, the same behind the batch loop and at a model's pace. Thread-safe.</summary>
public interface IChatModel : IDisposable
{
    ModelCard Card { get; }

    /// <summary>Token ids are below this.</summary>
    int VocabularyLength { get; }

    /// <summary>Bytes of the longest token; at least 1. A text of more bytes than this times n has more than n tokens.</summary>
    int LongestToken { get; }

    /// <summary>Renders the chat template and tokenizes.</summary>
    /// <param name="context">messages (each role and content), optionally tools and template variables such as enable_thinking;
    /// the special tokens' variables (bos_token and its like) are the model's own and are replaced.</param>
    /// <param name="now">What a template that tells the date reads; null: the clock. An answer that is resumed later, or on a
    /// node in another time zone, is rendered with the time of its request, else its prompt would be another.</param>
    /// <exception cref="Text.Templates.TemplateException">The template refused the messages.</exception>
    int[] EncodeChat(JsonObject context, DateTimeOffset? now = null);

    /// <summary>Tokenizes text that is no chat.</summary>
    /// <param name="addBegin">Whether the token that texts begin with comes first, where the model has one.</param>
    /// <param name="parseSpecial">Whether names of special tokens in it become these tokens.</param>
    int[] EncodeText(string text, bool addBegin, bool parseSpecial);

    /// <summary>Bytes of any token: a special token's are its name.</summary>
    ReadOnlySpan<byte> Bytes(int token);

    /// <summary>How its answers are marked.</summary>
    AnswerForm Form { get; }

    /// <summary>Bytes of a token to show to a person: empty for control tokens, but those that mark the parts of an answer.</summary>
    ReadOnlySpan<byte> VisibleBytes(int token);

    /// <summary>Whether this token ends an answer.</summary>
    bool EndsAnswer(int token);

    /// <summary>A text as one vector, see <see cref="PooledStates"/>.</summary>
    /// <param name="tokens">At least one, fewer than the context holds.</param>
    /// <param name="user">Whose turn it is in the fair queue.</param>
    /// <exception cref="NotSupportedException">It has no hidden states.</exception>
    /// <exception cref="QueueFullException">The bounded queue is full: try later.</exception>
    Task<float[]> Embed(int[] tokens, string user, CancellationToken cancellation);

    /// <summary>Makes ready what an answer to this prompt must keep to; a thinking model may think before it.</summary>
    /// <exception cref="ConstraintException">It cannot be kept to; the message says why, and the path where.</exception>
    TokenConstraint Compile(ConstraintSource source, ReadOnlySpan<int> prompt);

    /// <summary>Queues a request for the batch loop. Never blocks.</summary>
    /// <exception cref="QueueFullException">The bounded queue is full: try later.</exception>
    Generation Submit(GenerationRequest request);

    /// <summary>What it has computed, to give and to take; null: it keeps nothing that could move.</summary>
    KvExchange? Exchange => null;
}

/// <summary>What people may know of a loaded model.</summary>
/// <param name="Id">The name clients use, e.g. SmolLM3-3B-Q4_K_M; a demo's ends in "-demo", the stub's is "stub".</param>
/// <param name="Kind">real, demo or stub: shown wherever the model is named.</param>
/// <param name="ContentHash">Identifies weights and tokenizer for exact replay.</param>
/// <param name="ContextLength">Prompt and answer together, in tokens: the model's limit or the node's, whichever is less.</param>
/// <param name="FileBytes">0 for the stub.</param>
public sealed record ModelCard(string Id, ModelKind Kind, string Architecture, string ContentHash, int ContextLength, long FileBytes)
{
    /// <summary>How keys and values are kept, by name; null: there are none.</summary>
    public string? KvType { get; init; }

    /// <summary>What the tokens of an answer depend on beside its request: nodes that agree on it go on with each other's
    /// answers.</summary>
    public string Identity => KvType is null ? ContentHash : $"{ContentHash}+{KvType}";

    /// <summary>The model whose weights this one adapts; null: it has its own.</summary>
    public string? Parent { get; init; }

    /// <summary>In all tensors; 0: there are none.</summary>
    public long Weights { get; init; }

    /// <summary>How its weights are kept, as people name it, e.g. Q4_K_M; empty: there are none.</summary>
    public string Quantization { get; init; } = "";

    /// <summary>What the node was told to hold, in tokens; null: nothing was said.</summary>
    public int? AskedContextLength { get; init; }

    /// <summary>The model's own limit, in tokens; null: it has none.</summary>
    public int? OwnContextLength { get; init; }

    /// <summary>Why the model runs without the <see cref="Models.RowTwin"/> that was asked for, slower therefore; null: it does not.</summary>
    public string? WithoutTwin { get; init; }

    /// <summary>Memory for keys and values at most, in bytes, taken as it is needed; 0: none is needed.</summary>
    public long KvBytes { get; init; }

    /// <summary>Why <see cref="ContextLength"/> is less than was asked for, to show to people; null when it is not.</summary>
    public string? ContextCut => (AskedContextLength ?? OwnContextLength) is not { } wanted || wanted <= ContextLength ? null
        : $"asked {wanted}: {(ContextLength == OwnContextLength ? "the model's own limit" : "what the memory for its cache holds")}";
}

public enum ModelKind { Real, Demo, Stub }

/// <param name="Tokens">The prompt, and for a resumed answer also the tokens generated before.</param>
/// <param name="PromptLength">How many of <paramref name="Tokens"/> are prompt.</param>
/// <param name="MaxTokens">How many more tokens to generate at most; at least 1; Tokens.Length + MaxTokens within the context.</param>
/// <param name="User">Whose turn it is in the fair queue.</param>
public sealed record GenerationRequest(int[] Tokens, int PromptLength, int MaxTokens, SamplingOptions Sampling, string User)
{
    /// <summary>Tokens that end this answer beside the model's own ending tokens.</summary>
    public IReadOnlySet<int> StopTokens { get; init; } = FrozenSet<int>.Empty;

    /// <summary>How much of the batch the user gets beside others; above 0. It cannot change the tokens.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>What the answer keeps to, from its first token; compiled by the model that it is for. Null: it is free.</summary>
    public TokenConstraint? Constraint { get; init; }

    /// <summary>False: no drafts for this answer, whatever the node does. The tokens are the same.</summary>
    public bool Speculation { get; init; } = true;

    /// <summary>How many of the likeliest tokens are told with each token; null: no logprobs. The tokens are the same.</summary>
    public int? TopLogprobs { get; init; }

    /// <summary>No token may end the answer before it has as many, those generated before included.</summary>
    public int MinTokens { get; init; }

    /// <summary>Null: the model may think as long as it wants.</summary>
    public ThinkingBudget? Thinking { get; init; }

    /// <summary>Takes the hidden states of the tokens; nothing is generated, and the stream ends without a token. Null: an answer.</summary>
    public PooledStates? Pool { get; init; }

    /// <summary>At work for this answer beside the model's weights; null: none.</summary>
    public Adapter? Adapter { get; init; }

    /// <summary>The span that its time in the batch is told under, see <see cref="SequenceTrace"/>; default: it is not traced.</summary>
    public ActivityContext Trace { get; init; }

    /// <summary>The answer's first tokens, taken in place of those drawn, with all the work of drawing done. Only for measuring:
    /// random weights write no text that could stand for one.</summary>
    public int[]? Replay { get; init; }
}

/// <summary>A running answer: ids in order, the ending token included. The channel completes after an ending token or
/// MaxTokens; it completes with an exception if the model failed.</summary>
/// <param name="Tokens">Bounded by the request's MaxTokens, so a slow reader never blocks the batch loop.</param>
/// <param name="CachedTokens">Completes when prefill starts: prompt tokens whose keys and values were already there.</param>
/// <param name="Cancel">Idempotent; the sequence leaves the batch, and its cache is freed, by the end of the current step.</param>
public sealed record Generation(ChannelReader<int> Tokens, Task<int> CachedTokens, Action Cancel)
{
    /// <summary>One for each token, there before the token is; null: none were asked for.</summary>
    public ChannelReader<TokenLogprobs>? Logprobs { get; init; }

    /// <summary>How many wait that came before, null once its turn has come; from any thread. Null: nobody counts.</summary>
    public Func<int?>? Ahead { get; init; }
}

/// <summary>The queue of a node is full.</summary>
public sealed class QueueFullException(string message) : Exception(message);
