using Microsoft.AspNetCore.Diagnostics;

namespace SmolCluster.Gateway.Errors;

/// <summary>Every failure leaves in OpenAI's shape, whichever layer found it: endpoints throw, routing leaves an empty 404 or 405,
/// the server refuses a body. One place turns all of them into the one shape clients can read.</summary>
internal static class OpenAiErrors
{
    public static void UseOpenAiErrors(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = http => ClusterErrors.From(http.Features.Get<IExceptionHandlerFeature>()!.Error).WriteAsync(http),
            SuppressDiagnosticsCallback = context => ClusterErrors.IsExpected(context.Exception),
        });
        app.UseStatusCodePages(context => FromStatus(context.HttpContext).WriteAsync(context.HttpContext));
    }

    private static ApiError FromStatus(HttpContext http)
    {
        string what = $"{http.Request.Method} {http.Request.Path}";
        return http.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => ApiError.Request(404, "unknown_url", $"There is nothing at {what}. The API has "
                + "POST /v1/chat/completions, GET /v1/chat/completions/{id}/events, /v1/conversations, GET /v1/cluster, GET /v1/models, GET /v1/models/{id}, "
                + "GET /health/live and GET /health/ready."),
            StatusCodes.Status405MethodNotAllowed => ApiError.Request(405, "method_not_allowed",
                $"{what} is not possible here; allowed: {http.Response.Headers.Allow}."),
            var status => ApiError.Request(status, "request_refused", $"{what} was refused with status {status}."),
        };
    }
}
