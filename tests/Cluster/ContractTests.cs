using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using SmolCluster.Contracts;

namespace SmolCluster.Cluster.Tests;

/// <summary>What crosses the wire keeps its bytes' meaning: names and numbers are explicit, so that a rename or a new member
/// does not break a cluster in the middle of an update.</summary>
public sealed class ContractTests
{
    private static readonly GenerationEvent[] s_events =
        [
        new AnswerStarted(1, "m", 2, 3, "s", 4, "i", 7), new PrefillStarted(2, 5), new ReasoningDelta(3, "r", [4]),
        new TextDelta(4, "é", [6, 7]) { Logprobs = [new(6, [1, 2], -0.5f, [new(7, [3], -0.25f, [])])] },
        new ToolCallDelta(5, 0, "c", "f", "{", []), new AnswerFinished(6, "tool_calls", 4, 5, 6, 7, "END", 8), new KeepAlive(6, 7),
    ];

    // collection expressions make compiler types, which must travel too
    private static readonly ChatRequest s_request = new("m",
        [
            new("user", "hi"),
            new("assistant", "") { ReasoningContent = "r", ToolCalls = [new("c", "f", "{}")], Name = "n" },
            new("tool", "42") { ToolCallId = "c" },
        ],
        new SamplingSettings
        {
            Temperature = 1,
            TopK = 2,
            TopP = 0.3f,
            MinP = 0.4f,
            RepetitionPenalty = 5,
            PresencePenalty = -6,
            FrequencyPenalty = 7,
            LogitBias = new() { [8] = 9 },
            Seed = ulong.MaxValue,
        },
        10, ["a", "b"], "{}", "u", Keep.UntilDelivered, DateTimeOffset.UnixEpoch, IncludeUsage: true,
        new(AnswerConstraintKind.Choice, "[]", "guided_choice"))
    {
        Tools = new("[]", ToolChoice.Named, "f", Parallel: false),
        Thinking = new(true, "low", 3),
        TopLogprobs = 4,
        MinTokens = 5,
        TruncatePrompt = true,
        PromptRoom = 6,
        Prompt = new("p", [1, 2]),
        Weight = 2,
        Notes = "{}",
    };

    private static readonly TranscriptMessage s_turn = new(1, 0, "assistant", "é", DateTimeOffset.UnixEpoch, "r", new()
    {
        Request = s_request,
        Id = "i",
        Identity = "h",
        Silo = "s",
        ContextLength = 1,
        PromptTokens = 2,
        CachedTokens = 3,
        CompletionTokens = 4,
        MaxTokens = 5,
        FinishReason = "length",
        Problem = "p",
        Pieces = [1, -1],
        Tokens = [6],
        FirstTextSeconds = 0.5,
        Seconds = 1,
    });

    private static readonly ModelView s_model = new("i", "real", "ready", 1, "p", 2, 3, 4, 5, 6, 7, 8, 9, [new("u", 1, 2)]);

    private static readonly KeyReport s_key = new(new(1, null, long.MaxValue), 2, 3, 4, new(-0.5, null, 6));

    private static readonly ConversationEntry s_entry = new("i", "t", DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue, 3, "p");

    public static TheoryData<object> Samples =>
    [
        s_request, s_request.Messages[1], s_request.Sampling, s_request.Tools!, s_request.Constraint!, s_request.Thinking, s_request.Prompt!,
        .. s_events, ((TextDelta)s_events[3]).Logprobs![0], s_request.Messages[1].ToolCalls[0],
        new ModelStatus("m", "real", "failed", 0.5, 1, "a", "h", 2, DateTimeOffset.UnixEpoch, "p") { Parent = "b", Weights = 3, Quantization = "q" },
        new ConversationSnapshot(s_request, "h", "é", [6, 7], "stop") { Reasoning = "r", ToolCalls = [new("c", "f", "{}")], Running = true },
        new AnswerCursor(3, [6, 7], 5, "i", new Guid(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]), 12), new TokenizedText([1, 2], 3), new EmbeddedText([0.5f, -1], 2),
        new Transcript
        {
            Owner = "o", Title = "t", System = "s", Created = DateTimeOffset.UnixEpoch, Updated = DateTimeOffset.MaxValue, Messages = [s_turn], Head = 1,
        },
        s_turn, s_turn.Answer!, new TranscriptPost(1, "c", s_request, "s"), new TranscriptChange("t", "s", 1), s_entry, new ConversationPage([s_entry], true, 2),
        new SiloView("n", "a", "Active", DateTimeOffset.UnixEpoch, true, 1, [s_model]), s_model, s_model.Users[0],
        s_key, s_key.Bounds, s_key.Known, new KeyShare(s_key.Known, 2),
        ChatError.QueueFull, Keep.Nothing, ToolChoice.Required, AnswerConstraintKind.Choice,
    ];

    /// <summary>All but sums, budgets and what reads an answer's events, which stay where they are made.</summary>
    private static IEnumerable<Type> Contracts => typeof(ChatRequest).Assembly.GetExportedTypes()
        .Where(type => type.Namespace == typeof(ChatRequest).Namespace && !(type.IsAbstract && type.IsSealed) && !Staying.Contains(type));

    private static Type[] Staying { get; } = [typeof(AnswerContent), typeof(Budget), typeof(KeyBudgets), typeof(AnswerStream), typeof(AnswerPatience), typeof(Patience), typeof(AnswerAttempts)];

    [Theory]
    [MemberData(nameof(Samples), DisableDiscoveryEnumeration = true)]
    public void Serialize_Contract_ComesBackTheSame(object sample)
    {
        var back = RoundTrip(sample);
        Assert.Equal(sample.GetType(), back.GetType());
        Assert.Equal(JsonSerializer.Serialize(sample, sample.GetType()), JsonSerializer.Serialize(back, back.GetType()));
    }

    [Fact]
    public void Serialize_ChatException_KeepsMessageCodeAndRetryAfter()
    {
        var back = Assert.IsType<ChatException>(RoundTrip(
            new ChatException(ChatError.ModelLoading, "soon") { RetryAfter = TimeSpan.FromSeconds(3) }));
        Assert.Equal((ChatError.ModelLoading, "soon", TimeSpan.FromSeconds(3)), (back.Error, back.Message, back.RetryAfter));
    }

    [Fact]
    public void Samples_CoverEveryContract()
    {
        var covered = Samples.Select(row => row.Data.GetType()).Append(typeof(ChatException));
        Assert.Empty(Contracts.Where(type => type is { IsInterface: false, IsAbstract: false }).Except(covered));
    }

    [Fact]
    public void Contracts_HaveAliasesAndIds()
    {
        foreach (var type in Contracts)
        {
            Assert.True(type.IsDefined(typeof(AliasAttribute), inherit: false), $"{type} has no [Alias].");
            if (type.IsInterface)
                Assert.All(type.GetMethods(), method => Assert.True(method.IsDefined(typeof(AliasAttribute)), $"{type}.{method} has no [Alias]."));
            else if (!type.IsEnum)
                Assert.All(Stored(type), property => Assert.True(property.IsDefined(typeof(IdAttribute)), $"{type}.{property} has no [Id]."));
        }
        Assert.Distinct(Contracts.Select(type => type.GetCustomAttribute<AliasAttribute>(inherit: false)!.Alias));
    }

    private static PropertyInfo[] Stored(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly);

    private static object RoundTrip(object sample)
    {
        using var services = new ServiceCollection().AddSerializer().BuildServiceProvider();
        var serializer = services.GetRequiredService<Serializer>();
        return serializer.Deserialize<object>(serializer.SerializeToArray(sample))!;
    }
}
