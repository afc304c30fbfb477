using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace SmolCluster.Gateway.Chat;

/// <summary>Writes server-sent events, each flushed as it is written. JSON escapes line ends, so one "data:" line holds any text.</summary>
internal sealed class SseWriter(PipeWriter output, CancellationToken cancellation)
{
    /// <param name="name">Of the event, for dialects that name them.</param>
    public async Task WriteAsync<T>(long? id, T data, JsonTypeInfo<T> type, string? name = null)
    {
        if (name is not null)
            Write($"event: {name}\n");
        if (id is { } number)
            Write(string.Create(CultureInfo.InvariantCulture, $"id: {number}\n"));
        output.Write("data: "u8);
        output.Write(JsonSerializer.SerializeToUtf8Bytes(data, type)); // with a writer from its pool
        output.Write("\n\n"u8);
        await output.FlushAsync(cancellation);
    }

    /// <summary>What clients skip: it only shows that the connection lives.</summary>
    public async Task WriteCommentAsync(string text)
    {
        Write($": {text}\n\n");
        await output.FlushAsync(cancellation);
    }

    public async Task WriteDoneAsync()
    {
        output.Write("data: [DONE]\n\n"u8);
        await output.FlushAsync(cancellation);
    }

    private void Write(string text) => Encoding.UTF8.GetBytes(text, output);
}
