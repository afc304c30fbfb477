namespace SmolCluster.Gateway.Errors;

/// <summary>An error as OpenAI's API shows it, and the status that goes with it.</summary>
/// <param name="Type">invalid_request_error when the request must change, server_error when it may be sent again as it is.</param>
/// <param name="Param">Path of the field at fault, like messages[0].content, or null.</param>
/// <param name="Code">A word programs can act on.</param>
internal sealed record ApiError(int Status, string Message, string Type, string? Param, string? Code, TimeSpan? RetryAfter = null)
{
    public static ApiError Invalid(string? param, string code, string message) =>
        new(StatusCodes.Status400BadRequest, message, "invalid_request_error", param, code);

    public static ApiError Request(int status, string code, string message) => new(status, message, "invalid_request_error", null, code);

    public static ApiError Server(int status, string code, string message, TimeSpan? retryAfter = null) =>
        new(status, message, "server_error", null, code, retryAfter);

    public ErrorBody Body => new(new(Message, Type, Param, Code));

    /// <summary>Writes status, Retry-After and body; the response must not have started.</summary>
    public Task WriteAsync(HttpContext http)
    {
        http.Response.StatusCode = Status;
        if (RetryAfter is { } wait)
            http.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString();
        if (Status == StatusCodes.Status504GatewayTimeout)
            http.Response.Headers["x-should-retry"] = "false"; // OpenAI's clients would ask again at once, for an answer that nobody waits for
        return http.Response.WriteAsJsonAsync(Body, GatewayJson.Default.ErrorBody, cancellationToken: http.RequestAborted);
    }
}

internal sealed record ErrorBody(ErrorDetail Error);

/// <summary>All four fields are always written, null or not: OpenAI's clients read them.</summary>
internal sealed record ErrorDetail(string Message, string Type, string? Param, string? Code);

/// <summary>Leaves request handling with an error for the client; <see cref="OpenAiErrors"/> writes it.</summary>
internal sealed class ApiException(ApiError error, Exception? cause = null) : Exception(error.Message, cause)
{
    public ApiError Error { get; } = error;
}
