using System.Diagnostics;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Operations;

namespace SmolCluster.Gateway.Requests;

/// <summary>Every response names its request, in "x-request-id" and, for Anthropic's clients, in "request-id": the client's own id if it
/// sent one, else a new one. Logs of the request carry it. A request that is traced takes the grains that it calls into its trace.</summary>
internal static class RequestIds
{
    public const string Header = "x-request-id";
    private const string AnthropicHeader = "request-id";
    private const int Longest = 128;

    public static void UseRequestIds(this WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(RequestIds));
        app.Use((http, next) => NameAsync(http, next, logger));
    }

    private static async Task NameAsync(HttpContext http, RequestDelegate next, ILogger logger)
    {
        string id = http.Request.Headers[Header] is [{ } given] && IsId(given) ? given : $"req_{Guid.NewGuid():N}";
        http.TraceIdentifier = id;
        http.Response.OnStarting(() =>
        {
            http.Response.Headers[Header] = id;
            http.Response.Headers[AnthropicHeader] = id;
            return Task.CompletedTask;
        });
        if (AnswerSpan.Source.HasListeners() && Activity.Current is { } request)
            TraceLink.Set(request.Context);
        using (logger.BeginScope("request {RequestId}", id))
            await next(http);
        if (Activity.Current is { Kind: ActivityKind.Server } span && http.GetEndpoint() is RouteEndpoint { RoutePattern.RawText: { } route })
            span.DisplayName = $"{http.Request.Method} {route}";
    }

    /// <summary>It goes into logs and headers: nothing that means anything there.</summary>
    private static bool IsId(string text) =>
        text.Length is > 0 and <= Longest && text.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.' or ':');
}
