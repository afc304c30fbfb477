using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Ollama;

/// <summary>A streamed answer of /api/chat: a line of JSON a piece. A tool call goes out whole, when the next piece shows that it is.</summary>
internal sealed class OllamaChatWriter(string model, OllamaClock clock) : IAnswerWriter
{
    private readonly AnswerContent calls = new();
    private int sent;

    public string ContentType => OllamaLines.ContentType;

    public Task WriteAsync(GenerationEvent happened, PipeWriter output, CancellationToken cancellation)
    {
        clock.Saw(happened);
        if (happened is ToolCallDelta call)
        {
            if (call.CallId is not null)
                SendCalls(output);
            calls.Add(call);
            return Task.CompletedTask;
        }
        SendCalls(output);
        if (happened is ReasoningDelta thinking)
            Line(output, new("assistant", "") { Thinking = thinking.Text });
        else if (happened is TextDelta text)
            Line(output, new("assistant", text.Text));
        else if (happened is AnswerFinished finished)
            OllamaLines.Write(output, clock.End(new OllamaChat(model, clock.Now, new("assistant", "")), finished), OllamaJson.Default.OllamaChat);
        return Task.CompletedTask;
    }

    public Task FailAsync(ApiError error, PipeWriter output, CancellationToken cancellation) => OllamaLines.FailAsync(error, output);

    /// <param name="call">As it was collected.</param>
    /// <param name="index">Among the answer's calls.</param>
    public static OllamaCall Call(ToolCall call, int index) => new(call.Id, new(index, call.Name, FinishedAnswer.Arguments(call.Arguments)));

    private void SendCalls(PipeWriter output)
    {
        var all = calls.ToolCalls;
        for (; sent < all.Count; sent++)
            Line(output, new("assistant", "") { ToolCalls = [Call(all[sent], sent)] });
    }

    private void Line(PipeWriter output, OllamaMessage message) => OllamaLines.Write(output, new(model, clock.Now, message), OllamaJson.Default.OllamaChat);
}

/// <summary>A streamed answer of /api/generate: a line of JSON a piece.</summary>
internal sealed class OllamaGenerateWriter(string model, OllamaClock clock) : IAnswerWriter
{
    public string ContentType => OllamaLines.ContentType;

    public Task WriteAsync(GenerationEvent happened, PipeWriter output, CancellationToken cancellation)
    {
        clock.Saw(happened);
        OllamaGenerate? line = happened switch
        {
            ReasoningDelta thinking => new(model, clock.Now, "") { Thinking = thinking.Text },
            TextDelta text => new(model, clock.Now, text.Text),
            AnswerFinished finished => clock.End(new OllamaGenerate(model, clock.Now, ""), finished),
            _ => null,
        };
        if (line is not null)
            OllamaLines.Write(output, line, OllamaJson.Default.OllamaGenerate);
        return Task.CompletedTask;
    }

    public Task FailAsync(ApiError error, PipeWriter output, CancellationToken cancellation) => OllamaLines.FailAsync(error, output);
}

/// <summary>JSON documents, one a line.</summary>
internal static class OllamaLines
{
    public const string ContentType = "application/x-ndjson";

    public static void Write<T>(PipeWriter output, T data, JsonTypeInfo<T> type)
    {
        using (var json = new Utf8JsonWriter(output, new() { Encoder = type.Options.Encoder }))
            JsonSerializer.Serialize(json, data, type);
        output.Write("\n"u8);
    }

    public static Task FailAsync(ApiError error, PipeWriter output)
    {
        Write(output, new OllamaErrorBody(error.Message), GatewayJson.Default.OllamaErrorBody);
        return Task.CompletedTask;
    }
}
