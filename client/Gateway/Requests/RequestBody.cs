using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http.Features;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Requests;

/// <summary>Reads a request's JSON body whole, within bounds: bytes by <see cref="GatewayOptions.MaxRequestBytes"/>, depth by
/// <see cref="MaxDepth"/>. Read by hand instead of bound by the framework, because its refusals have no field, position or range.</summary>
internal static class RequestBody
{
    public const int MaxDepth = 64;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = MaxDepth, AllowDuplicateProperties = false };

    /// <returns>The document, an object; every string in it is well-formed. The caller disposes it.</returns>
    /// <exception cref="ApiException">415, 413 or 400, saying what is wrong and where.</exception>
    public static async Task<JsonDocument> ReadObjectAsync(HttpContext http, int maxBytes)
    {
        if (!http.Request.HasJsonContentType())
            throw new ApiException(ApiError.Request(StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type",
                $"The body must be JSON with 'Content-Type: application/json', but its Content-Type is '{http.Request.ContentType}'."));
        byte[] body = await ReadBytesAsync(http, maxBytes);
        var document = Parse(body);
        if (document.RootElement.ValueKind == JsonValueKind.Object)
            return document;
        var kind = document.RootElement.ValueKind;
        document.Dispose();
        throw Malformed($"The body must be a JSON object, but it is {RequestObject.NameOf(kind)}.");
    }

    /// <summary>The server's own limit stays above ours where it can: past its own it drops the connection, and a client that
    /// is still sending would see a broken pipe instead of the 413.</summary>
    private static async Task<byte[]> ReadBytesAsync(HttpContext http, int maxBytes)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } server && server.MaxRequestBodySize < maxBytes)
            server.MaxRequestBodySize = maxBytes;
        if (http.Request.ContentLength > maxBytes)
            throw TooLarge(maxBytes);
        using var buffer = new MemoryStream((int)(http.Request.ContentLength ?? 0));
        byte[] piece = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            while (await http.Request.Body.ReadAsync(piece, http.RequestAborted) is > 0 and var count)
            {
                if (buffer.Length + count > maxBytes)
                    throw TooLarge(maxBytes);
                buffer.Write(piece, 0, count);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
        return buffer.ToArray();
    }

    private static JsonDocument Parse(byte[] body)
    {
        if (body.Length == 0)
            throw Malformed("The body is empty; it must be a JSON object.");
        if (!Utf8.IsValid(body))
            throw Malformed("The body is not valid UTF-8.");
        try
        {
            // Only an escape can make a string that is no text, half of a surrogate pair, and only some bodies have one.
            if (body.AsSpan().IndexOf("\\u"u8) >= 0)
                Surrogates.ThrowIfUnpaired(body, MaxDepth);
            return JsonDocument.Parse(body, Strict);
        }
        catch (JsonException exception)
        {
            throw Malformed($"The body is not valid JSON at line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}: "
                + WithoutPosition(exception.Message));
        }
    }

    private static string WithoutPosition(string message)
    {
        int position = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return position < 0 ? message : message[..position];
    }

    private static ApiException TooLarge(int maxBytes) => new(ApiError.Request(StatusCodes.Status413PayloadTooLarge,
        "request_too_large", $"The body is longer than {maxBytes} bytes, the most this gateway accepts (Gateway:MaxRequestBytes)."));

    private static ApiException Malformed(string message) => new(ApiError.Invalid(null, "invalid_json", message));
}
