using Microsoft.Extensions.Options;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Keys;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Requests;
using SmolCluster.Gateway.Tokens;

namespace SmolCluster.Gateway.Completions;

/// <summary>POST /v1/completions: text that is continued as it stands, without a chat template. Special tokens are not parsed in it; to
/// write one, send the prompt as token ids.</summary>
internal static class CompletionsApi
{
    public static void MapCompletions(this IEndpointRouteBuilder routes) => routes.MapPost("/v1/completions", Complete);

    private static async Task<IResult> Complete(
        HttpContext http, Answers answers, Tokenizers tokenizers, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        CompletionCall call;
        using (var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes))
            call = CompletionReader.Read(body.RootElement, http.QueueUser(), time.GetLocalNow());
        call = call with { Prompts = [.. call.Prompts.Select(prompt => prompt.AskedBy(http))] };
        var echo = await EchoAsync(call, tokenizers);
        var running = await answers.StartAsync(call.Requests, http.RequestAborted);
        if (call.Stream)
            return new StreamedCompletion(running, call.Each, echo);
        await using (running)
            return TypedResults.Json(await Completion.ReadAsync(running, call.Each, echo), GatewayJson.Default.Completion);
    }

    /// <summary>Each prompt as text, if they are to stand before their answers; else empty texts.</summary>
    private static async Task<string[]> EchoAsync(CompletionCall call, Tokenizers tokenizers)
    {
        var echo = new string[call.Prompts.Count];
        for (int i = 0; i < echo.Length; i++)
        {
            echo[i] = !call.Echo ? "" : call.Prompts[i].Prompt!.Text
                ?? System.Text.Encoding.UTF8.GetString([.. (await tokenizers.DecodeAsync(call.Prompts[i].Model, call.Prompts[i].Prompt!.Tokens!)).SelectMany(bytes => bytes)]);
        }
        return echo;
    }
}
