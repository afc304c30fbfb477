using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Responses;

/// <summary>A response as server-sent events with consecutive sequence numbers from 0. Which event has which number is a function of the
/// answer alone, so a client that lost its stream has it written again from the start, and only what follows its last number goes
/// out.</summary>
/// <param name="after">The last sequence number that the client has; -1: none.</param>
internal sealed class ResponseWriter(ResponseObject response, long after = -1) : IAnswerWriter
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly AnswerContent content = new();
    private long sequence;
    private int items;
    private OpenItem? open;

    public string ContentType => "text/event-stream; charset=utf-8";

    public Task WriteAsync(GenerationEvent happened, PipeWriter output, CancellationToken cancellation)
    {
        content.Add(happened);
        switch (happened)
        {
            case AnswerStarted:
                Emit(output, "response.created", new() { ["response"] = response.Json("in_progress", []) });
                Emit(output, "response.in_progress", new() { ["response"] = response.Json("in_progress", []) });
                break;
            case ReasoningDelta thinking:
                Open(output, "rs", id => ResponseObject.Reasoning(id, null, "in_progress"), ResponseObject.ReasoningPart(""));
                Delta(output, "response.reasoning_text.delta", thinking.Text);
                break;
            case TextDelta text:
                Open(output, "msg", id => ResponseObject.Message(id, null, "in_progress"), ResponseObject.TextPart(""));
                Delta(output, "response.output_text.delta", text.Text);
                break;
            case ToolCallDelta call:
                if (call is { CallId: { } callId, Name: { } name })
                    Open(output, $"fc {callId}", id => ResponseObject.Call(id, new(callId, name, ""), "in_progress"), part: null);
                if (call.Arguments.Length > 0)
                    Delta(output, "response.function_call_arguments.delta", call.Arguments);
                break;
            case AnswerFinished finished:
                string status = ResponseObject.StatusOf(finished);
                Close(output, status);
                Emit(output, $"response.{status}", new() { ["response"] = response.Json(status, response.Output(content, status), finished) });
                break;
        }
        return Task.CompletedTask;
    }

    public Task FailAsync(ApiError error, PipeWriter output, CancellationToken cancellation)
    {
        Emit(output, "error", new() { ["code"] = error.Code, ["message"] = error.Message, ["param"] = error.Param });
        return Task.CompletedTask;
    }

    /// <summary>Begins an item, unless the one that is open is it.</summary>
    private void Open(PipeWriter output, string key, Func<string, JsonObject> begin, JsonObject? part)
    {
        if (open?.Key == key)
            return;
        Close(output);
        open = new(key, ResponseId.Item(key.Split(' ')[0], response.Id, items), items++, part is not null);
        Emit(output, "response.output_item.added", new() { ["output_index"] = open.Index, ["item"] = begin(open.Id) });
        if (part is not null)
            Emit(output, "response.content_part.added", Place(new() { ["part"] = part }));
    }

    private void Delta(PipeWriter output, string type, string text)
    {
        open!.Text.Append(text);
        var delta = Place(new() { ["delta"] = text });
        if (type == "response.output_text.delta")
            delta["logprobs"] = new JsonArray();
        Emit(output, type, delta);
    }

    private void Close(PipeWriter output, string status = "completed")
    {
        if (open is not { } item)
            return;
        string text = item.Text.ToString();
        JsonObject whole;
        if (item.Key == "rs")
        {
            Emit(output, "response.reasoning_text.done", Place(new() { ["text"] = text }));
            Emit(output, "response.content_part.done", Place(new() { ["part"] = ResponseObject.ReasoningPart(text) }));
            whole = ResponseObject.Reasoning(item.Id, text, status);
        }
        else if (item.Key == "msg")
        {
            Emit(output, "response.output_text.done", Place(new() { ["text"] = text, ["logprobs"] = new JsonArray() }));
            Emit(output, "response.content_part.done", Place(new() { ["part"] = ResponseObject.TextPart(text) }));
            whole = ResponseObject.Message(item.Id, text, status);
        }
        else
        {
            var call = content.ToolCalls.Single(made => item.Key == $"fc {made.Id}");
            Emit(output, "response.function_call_arguments.done", Place(new() { ["name"] = call.Name, ["arguments"] = call.Arguments }));
            whole = ResponseObject.Call(item.Id, call, status);
        }
        Emit(output, "response.output_item.done", new() { ["output_index"] = item.Index, ["item"] = whole });
        open = null;
    }

    /// <summary>Where the open item stands, in front of what happens to it.</summary>
    private JsonObject Place(JsonObject what)
    {
        what["item_id"] = open!.Id;
        what["output_index"] = open.Index;
        if (open.HasParts)
            what["content_index"] = 0;
        return what;
    }

    private void Emit(PipeWriter output, string type, JsonObject data)
    {
        long number = sequence++;
        if (number <= after)
            return;
        data["type"] = type;
        data["sequence_number"] = number;
        output.Write(Encoding.UTF8.GetBytes($"event: {type}\ndata: "));
        using (var json = new Utf8JsonWriter(output, Readable))
            data.WriteTo(json);
        output.Write("\n\n"u8);
    }

    /// <param name="Key">rs, msg, or fc and the call's id.</param>
    private sealed record OpenItem(string Key, string Id, int Index, bool HasParts)
    {
        public StringBuilder Text { get; } = new();
    }
}
