namespace SmolCluster.Gateway.Errors;

/// <summary>An error in the shape that the request's client reads: Anthropic's under /v1/messages and where a request names its version, Ollama's under /api, else
/// OpenAI's.</summary>
internal static class ErrorDialects
{
    public static Task WriteAsync(HttpContext http, ApiError error)
    {
        var cancellation = http.RequestAborted;
        if (IsAnthropic(http.Request))
            return http.Response.WriteAsJsonAsync(Anthropic(error, http.TraceIdentifier), GatewayJson.Default.AnthropicErrorBody, cancellationToken: cancellation);
        return http.Request.Path.StartsWithSegments("/api")
            ? http.Response.WriteAsJsonAsync(new(error.Message), GatewayJson.Default.OllamaErrorBody, cancellationToken: cancellation)
            : http.Response.WriteAsJsonAsync(error.Body, GatewayJson.Default.ErrorBody, cancellationToken: cancellation);
    }

    public static AnthropicErrorBody Anthropic(ApiError error, string requestId) => new(new(error.Status switch
    {
        400 or 405 or 409 or 415 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        _ => "api_error",
    }, error.Message), requestId);

    /// <summary>Its clients ask for models where OpenAI's do, too.</summary>
    private static bool IsAnthropic(HttpRequest request) => request.Path.StartsWithSegments("/v1/messages") || request.Headers.ContainsKey("anthropic-version");
}

/// <summary>Anthropic's error.</summary>
internal sealed record AnthropicErrorBody(AnthropicError Error, string RequestId)
{
    public string Type { get; } = "error";
}

internal sealed record AnthropicError(string Type, string Message);

/// <summary>Ollama's error.</summary>
internal sealed record OllamaErrorBody(string Error);
