namespace SmolCluster.Gateway.Chat;

/// <summary>A chat's answer as server-sent events: a chunk an event, with the conversation's event number as its id. A client whose
/// connection broke asks for the rest after the last id it has. Several choices have no ids: which comes when is chance.</summary>
/// <param name="after">The last id that the client has; 0: none.</param>
/// <param name="delivered">Called when all of it is written.</param>
internal sealed class StreamedAnswer(RunningChoices answers, long after, Action delivered) : SseAnswer(answers)
{
    protected override async Task WriteAnswerAsync(SseWriter sse)
    {
        var ends = new AnswerEnds(Answers.Count);
        await foreach (var (choice, happened) in Answers.ReadAsync())
        {
            ends.See(choice, happened);
            if (happened.Number > after && ChunkChoice.Of(choice, happened) is { } piece)
                await sse.WriteAsync(Id(happened.Number), Chunk([piece], null), GatewayJson.Default.ChatCompletionChunk);
        }
        // The usage has the number after the last event's: a client may have the one and not the other.
        long last = ends.All[^1].Number;
        if (Answers.First.Request.IncludeUsage && after <= last)
            await sse.WriteAsync(Id(last + 1), Chunk([], Usage.Of(ends.All)), GatewayJson.Default.ChatCompletionChunk);
    }

    protected override void Delivered() => delivered();

    private long? Id(long number) => Answers.Count == 1 ? number : null;

    private ChatCompletionChunk Chunk(IReadOnlyList<ChunkChoice> choices, Usage? usage) =>
        new(Answers.First.Id, Answers.First.Created, Answers.First.Request.Model, Answers.First.Fingerprint, choices, usage);
}
