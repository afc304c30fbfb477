using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Anthropic;

/// <summary>A streamed answer in Anthropic's events: message_start, a run of content_block_start, _delta and _stop for each block of
/// thinking, text and tool call, then message_delta with the end's reason and message_stop.</summary>
internal sealed class MessageWriter(string id, string model, string requestId) : IAnswerWriter
{
    private int block = -1;
    private string? open;

    public string ContentType => "text/event-stream; charset=utf-8";

    public async Task WriteAsync(GenerationEvent happened, PipeWriter output, CancellationToken cancellation)
    {
        var sse = new SseWriter(output, cancellation);
        switch (happened)
        {
            case AnswerStarted started:
                var empty = new AnthropicMessage(id, model, [], null, null, new(started.PromptTokens, 0, 0));
                await EventAsync(sse, "message_start", new MessageStart(empty), AnthropicJson.Default.MessageStart);
                break;
            case ReasoningDelta thinking:
                await OpenAsync(sse, "thinking", ContentBlock.OfThinking(""));
                await DeltaAsync(sse, new("thinking_delta") { Thinking = thinking.Text });
                break;
            case TextDelta text:
                await OpenAsync(sse, "text", ContentBlock.OfText(""));
                await DeltaAsync(sse, new("text_delta") { Text = text.Text });
                break;
            case ToolCallDelta call:
                if (call is { CallId: { } callId, Name: { } name })
                    await OpenAsync(sse, callId, ContentBlock.OfCall(callId, name, JsonElement.Parse("{}")));
                if (call.Arguments.Length > 0)
                    await DeltaAsync(sse, new("input_json_delta") { PartialJson = call.Arguments });
                break;
            case AnswerFinished finished:
                await CloseAsync(sse);
                await EventAsync(sse, "message_delta", new MessageDelta(new(AnthropicMessage.StopReasonOf(finished), finished.StopSequence), AnthropicUsage.Of(finished)),
                    AnthropicJson.Default.MessageDelta);
                await EventAsync(sse, "message_stop", new MessageStop(), AnthropicJson.Default.MessageStop);
                break;
        }
    }

    public Task FailAsync(ApiError error, PipeWriter output, CancellationToken cancellation) =>
        EventAsync(new SseWriter(output, cancellation), "error", ErrorDialects.Anthropic(error, requestId), AnthropicJson.Default.AnthropicErrorBody);

    /// <summary>Begins a block, unless the one that is open is it.</summary>
    private async Task OpenAsync(SseWriter sse, string name, ContentBlock begin)
    {
        if (open == name)
            return;
        await CloseAsync(sse);
        (open, block) = (name, block + 1);
        await EventAsync(sse, "content_block_start", new BlockStart(block, begin), AnthropicJson.Default.BlockStart);
    }

    private async Task CloseAsync(SseWriter sse)
    {
        if (open is null)
            return;
        open = null;
        await EventAsync(sse, "content_block_stop", new BlockStop(block), AnthropicJson.Default.BlockStop);
    }

    private Task DeltaAsync(SseWriter sse, DeltaOfBlock delta) =>
        EventAsync(sse, "content_block_delta", new BlockDelta(block, delta), AnthropicJson.Default.BlockDelta);

    private static Task EventAsync<T>(SseWriter sse, string name, T data, JsonTypeInfo<T> type) => sse.WriteAsync(null, data, type, name);
}
