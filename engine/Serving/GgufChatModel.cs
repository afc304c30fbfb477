using System.Text.Json.Nodes;
using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Pipeline;
using SmolCluster.Engine.Sampling.Constraints;
using SmolCluster.Engine.Text;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Engine.Serving;

/// <summary>A GGUF file that answers chats: mapping, tokenizer, template, page pool, forward pass and batch loop of one model.</summary>
public sealed class GgufChatModel : IChatModel
{
    private static readonly (string Variable, string Key)[] TokenKeys =
    [
        ("bos_token", "tokenizer.ggml.bos_token_id"), ("eos_token", "tokenizer.ggml.eos_token_id"),
        ("unk_token", "tokenizer.ggml.unknown_token_id"), ("pad_token", "tokenizer.ggml.padding_token_id"),
    ];

    private readonly GgufFile _file;
    private readonly RowTwin? _twin;
    private readonly Tokenizer _tokenizer;
    private readonly ChatTemplate _template;
    private readonly ThreadTeam _team;
    private readonly KvPagePool _pool;
    private readonly Transformer _transformer;
    private readonly BatchScheduler _scheduler;
    private readonly TimeProvider _clock;
    private readonly Dictionary<string, string> _tokenVariables = [];
    private readonly ConstraintCompiler _constraints;

    private GgufChatModel(GgufFile file, EngineOptions options, IProgress<double>? progress)
    {
        _file = file;
        _clock = options.Clock;
        Config = ModelConfig.From(file);
        Transformer.RequireWholeLanes(file, Config);   // before any thread is started
        progress?.Report(0.1);
        _tokenizer = Tokenizer.From(file);
        LongestToken = Math.Max(1, Enumerable.Range(0, _tokenizer.VocabularyLength).Max(token => _tokenizer.Bytes(token).Length));
        _constraints = new ConstraintCompiler(Arrange);
        progress?.Report(0.7);
        _template = ChatTemplate.From(file);
        foreach ((string variable, string key) in TokenKeys)
        {
            long token = file.Metadata.Integer(key, -1);
            if (token >= 0 && token < _tokenizer.VocabularyLength)
            {
                _tokenVariables[variable] = _tokenizer.Decode([(int)token], showControl: true);
            }
        }

        string hash = ContentHash.Of(file);
        _twin = Twin(file, hash, options, progress, out string? withoutTwin);
        progress?.Report(0.9);
        LayerRange range = options.Pipeline?.Own ?? LayerRange.Whole(Config);
        var layout = new KvLayout(Config, options.KvType, range.Count);
        int pages = options.Pipeline?.Pages ?? KvPagePool.PagesOf(options.CacheBytes ?? KvPagePool.MemoryBeside(file.Length), layout.PageBytes);
        int context = Math.Min(Math.Min(options.ContextLength ?? Config.ContextLength, Config.ContextLength), pages * KvLayout.PageLength);
        _pool = new KvPagePool(layout, pages, options.PrefixCache ? new PrefixIndex() : null);
        _team = new ThreadTeam(options.Threads ?? Environment.ProcessorCount, options.PinThreads);
        _transformer = new Transformer(file, Config, _team, options.StepTokens, twin: _twin, range: range);
        IForwardPass pass = options.Pipeline is { } stages ? new PipelinedPass(_transformer, stages, Config.EmbeddingLength) : _transformer;
        string id = options.ModelId ?? HuggingFaceModel.NameOf(file.Path);
        _scheduler = new BatchScheduler(pass, _pool, _team, options with { ModelId = id }, StepCost.Of(Config), Config.VocabularyLength, EndsAnswer);
        // pages that lie on several nodes do not move: an answer that does has its prompt computed again
        Exchange = options is { PrefixCache: true, Pipeline: null } ? new KvExchange(_scheduler, new KvTransfer(_pool, Config.VocabularyLength), layout.PageBytes) : null;
        Card = new ModelCard(id, options.Kind, Config.Architecture, hash, context, file.Length)
        {
            KvType = $"{options.KvType}",
            Weights = file.Tensors.Sum(static tensor => tensor.Columns * tensor.Rows),
            Quantization = QuantizationMix.NameOf(file),
            AskedContextLength = options.ContextLength,
            OwnContextLength = Config.ContextLength,
            WithoutTwin = withoutTwin,
            KvBytes = pages * layout.PageBytes,
        };
        file.LeaveToPageCache();
        progress?.Report(1);
    }

    public ModelCard Card { get; }

    public ModelConfig Config { get; }

    public int VocabularyLength => Config.VocabularyLength;

    public int LongestToken { get; }

    public KvExchange? Exchange { get; }

    /// <summary>KV pages that answers hold now, those kept beside for answers to come, and the most there can be.</summary>
    public (int Used, int Idle, int Capacity, long PageBytes) Cache =>
        (_pool.Used, _pool.Index?.IdleCount ?? 0, _pool.Capacity, _pool.Layout.PageBytes);

    /// <summary>Tokens guessed ahead so far, and those of them that came true.</summary>
    public (long Drafted, long Accepted) Drafts => _scheduler.Drafts;

    /// <exception cref="ArgumentOutOfRangeException">An option is out of range.</exception>
    /// <param name="path">A GGUF file, or a Hugging Face folder with SafeTensors.</param>
    /// <exception cref="GgufException">The file cannot be used; the message says why.</exception>
    /// <exception cref="CheckpointException">The folder cannot be used; the message says why.</exception>
    /// <exception cref="TemplateException">Its chat template cannot be parsed.</exception>
    public static GgufChatModel Load(string path, EngineOptions options, IProgress<double>? progress = null)
    {
        options.Validate();
        GgufFile file = HuggingFaceModel.OpenAny(path);
        try
        {
            return new GgufChatModel(file, options, progress);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public int[] EncodeChat(JsonObject context, DateTimeOffset? now = null)
    {
        if (!_template.ShowsCalls && context["messages"] is JsonArray messages && messages.Any(static message => (message as JsonObject)?["tool_calls"] is JsonArray { Count: > 0 }))
        {
            throw new TemplateException("a message has tool calls, but the model's chat template has no place for them; send the message without");
        }

        JsonObject complete = context.DeepClone().AsObject();
        complete.TryAdd("add_generation_prompt", true);
        foreach (string variable in ChatTemplate.TokenVariables)
        {
            // a request's own text under such a name would be scaffold
            complete.Remove(variable);
            if (_tokenVariables.TryGetValue(variable, out string? text))
            {
                complete[variable] = text;
            }
        }

        return _tokenizer.Encode(_template.Render(complete, now ?? _clock.GetLocalNow(), callsAsContent: true));
    }

    public int[] EncodeText(string text, bool addBegin, bool parseSpecial)
    {
        int[] tokens = _tokenizer.Encode(text, parseSpecial);
        return addBegin && _tokenizer is { AddsBeginOfText: true, BeginOfText: { } begin } ? [begin, .. tokens] : tokens;
    }

    public ReadOnlySpan<byte> Bytes(int token) => _tokenizer.Bytes(token);

    public AnswerForm Form => _template.Form;

    public ReadOnlySpan<byte> VisibleBytes(int token) =>
        _tokenizer.IsControl(token) && !_tokenizer.IsMark(token) ? [] : _tokenizer.Bytes(token);

    public bool EndsAnswer(int token) => _tokenizer.EndOfGeneration.Contains(token);

    public Task<float[]> Embed(int[] tokens, string user, CancellationToken cancellation) => Embed(tokens, user, null, cancellation);

    internal async Task<float[]> Embed(int[] tokens, string user, Adapter? adapter, CancellationToken cancellation)
    {
        var pool = new PooledStates(Config.EmbeddingLength);
        Generation generation = Submit(new GenerationRequest(tokens, tokens.Length, 1, new(), user) { Pool = pool, Speculation = false, Adapter = adapter });
        await using CancellationTokenRegistration leaving = cancellation.Register(generation.Cancel);
        await generation.Tokens.Completion;
        cancellation.ThrowIfCancellationRequested();
        return pool.ToVector();
    }

    public TokenConstraint Compile(ConstraintSource source, ReadOnlySpan<int> prompt)
    {
        if (!Form.Reasons)
        {
            return _constraints.Compile(source);
        }

        string end = _tokenizer.Decode(prompt[Math.Max(0, prompt.Length - 16)..], showControl: true).TrimEnd();
        return _constraints.Compile(source, end.EndsWith(AnswerForm.ReasoningEnd, StringComparison.Ordinal) ? Thinking.None
            : end.EndsWith(AnswerForm.ReasoningBegin, StringComparison.Ordinal) ? Thinking.Begun
            : Thinking.Possible);
    }

    public Generation Submit(GenerationRequest request)
    {
        if ((long)request.Tokens.Length + request.MaxTokens > Card.ContextLength)
        {
            throw new ArgumentException($"{request.Tokens.Length} tokens and {request.MaxTokens} more exceed the context of " +
                $"{Card.ContextLength}.", nameof(request));
        }

        return _scheduler.Submit(request);
    }

    /// <exception cref="GgufException">The file is no adapter of this model.</exception>
    internal Adapter LoadAdapter(string path, float scale) => Adapter.Load(path, scale, _file);

    public void Dispose()
    {
        _scheduler.Dispose();
        _team.Dispose();
        _transformer.Dispose();
        _pool.Dispose();
        _twin?.Dispose();
        _file.Dispose();
    }

    private ConstraintVocabulary Arrange() => new(VocabularyLength,
        token => token < _tokenizer.VocabularyLength && _tokenizer.Type(token) is not (TokenType.Unknown or TokenType.Unused) ? _tokenizer.Bytes(token).ToArray() : [],
        token => _tokenizer.Type(token) is TokenType.Control or TokenType.UserDefined, EndsAnswer);

    // a model without its twin is slower and no worse: a full disk must not keep it from being served, but is told
    private static RowTwin? Twin(GgufFile file, string hash, EngineOptions options, IProgress<double>? progress, out string? problem)
    {
        problem = null;
        if (options.Pipeline is not null || options.TwinFolder is not { } folder || !RowTwin.IsUseful(file, options.TwinLeastBytes))
        {
            return null;
        }

        try
        {
            return RowTwin.OpenOrMake(file, hash, folder, progress);
        }
        catch (IOException failure)
        {
            problem = failure.Message;
            return null;
        }
    }
}
