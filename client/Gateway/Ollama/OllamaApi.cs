using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using SmolCluster.Contracts;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Embeddings;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Keys;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Operations;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Ollama;

/// <summary>/api, as Ollama's clients speak it: chat and generate, streamed as lines of JSON, and what there is to know of models. Models
/// are chosen where a node starts, so nothing here pulls, makes or deletes one.</summary>
internal static class OllamaApi
{
    public static void MapOllama(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api").WithTags("Ollama");
        api.MapPost("/chat", Chat).WithSummary("An answer, as lines of JSON").Produces<OllamaChat>()
            .WithMetadata(new RequestFields(OllamaRequestReader.ChatKnown, """{"model": "smolcluster-demo", "messages": [{"role": "user", "content": "What is a silo?"}]}"""));
        api.MapPost("/generate", Generate).WithSummary("A text answered, or continued if it is raw").Produces<OllamaGenerate>()
            .WithMetadata(new RequestFields(OllamaRequestReader.GenerateKnown, """{"model": "smolcluster-demo", "prompt": "What is a silo?"}"""));
        api.MapPost("/embed", Embed).WithSummary("Texts as vectors").Produces<OllamaEmbeddings>()
            .WithMetadata(new RequestFields(OllamaRequestReader.EmbedKnown, """{"model": "smolcluster-demo", "input": "What is a silo?"}"""));
        api.MapGet("/tags", Tags).WithSummary("The cluster's models").Produces<OllamaTags>();
        api.MapGet("/ps", Running).WithSummary("Those that can answer now").Produces<OllamaTags>();
        api.MapPost("/show", Show).WithSummary("One of them").Produces<OllamaShow>().WithMetadata(new RequestFields(["model"], """{"model": "smolcluster-demo"}"""));
        api.MapGet("/version", () => TypedResults.Json(new OllamaVersion(Version), OllamaJson.Default.OllamaVersion));
    }

    private static string Version { get; } =
        typeof(OllamaApi).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static async Task<Results<JsonHttpResult<OllamaChat>, AnswerResponse>> Chat(
        HttpContext http, Answers answers, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        var clock = new OllamaClock(time);
        ChatCall call;
        using (var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes))
            call = OllamaRequestReader.ReadChat(body.RootElement, http.QueueUser(), time.GetLocalNow());
        string model = call.Request.Model;
        var answer = await answers.StartAsync(call.Request, http.RequestAborted);
        if (call.Stream)
            return new AnswerResponse(answer, new OllamaChatWriter(model, clock), () => answers.Forget(answer.Id));
        await using (answer)
        {
            var (content, end) = await ReadAsync(answer, clock);
            var message = new OllamaMessage("assistant", content.Text)
            {
                Thinking = content.Reasoning is { Length: > 0 } thinking ? thinking : null,
                ToolCalls = content.ToolCalls is { Count: > 0 } calls ? [.. calls.Select(OllamaChatWriter.Call)] : null,
            };
            return TypedResults.Json(clock.End(new OllamaChat(model, clock.Now, message), end), OllamaJson.Default.OllamaChat);
        }
    }

    private static async Task<Results<JsonHttpResult<OllamaGenerate>, AnswerResponse>> Generate(
        HttpContext http, Answers answers, ModelDirectory models, IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        var clock = new OllamaClock(time);
        ChatCall? call;
        string model;
        using (var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes))
            call = OllamaRequestReader.ReadGenerate(body.RootElement, http.QueueUser(), time.GetLocalNow(), out model);
        if (call is null)
        {
            _ = await FindAsync(models, model);
            return TypedResults.Json(new OllamaGenerate(model, clock.Now, "") { Done = true, DoneReason = "load" }, OllamaJson.Default.OllamaGenerate);
        }
        var answer = await answers.StartAsync(call.Request, http.RequestAborted);
        if (call.Stream)
            return new AnswerResponse(answer, new OllamaGenerateWriter(model, clock), () => answers.Forget(answer.Id));
        await using (answer)
        {
            var (content, end) = await ReadAsync(answer, clock);
            var whole = new OllamaGenerate(model, clock.Now, content.Text) { Thinking = content.Reasoning is { Length: > 0 } thinking ? thinking : null };
            return TypedResults.Json(clock.End(whole, end), OllamaJson.Default.OllamaGenerate);
        }
    }

    private static async Task<(AnswerContent Content, AnswerFinished End)> ReadAsync(RunningAnswer answer, OllamaClock clock)
    {
        var content = new AnswerContent();
        await foreach (var happened in answer.ReadAsync())
        {
            clock.Saw(happened);
            content.Add(happened);
            if (happened is AnswerFinished finished)
                return (content, finished);
        }
        throw new InvalidOperationException($"The answer {answer.Id} ended without AnswerFinished.");
    }

    private static async Task<JsonHttpResult<OllamaEmbeddings>> Embed(
        HttpContext http, IGrainFactory grains, ModelPlaces places, ModelDirectory models, KeyUsages usages, IOptions<GatewayOptions> options, TimeProvider time)
    {
        models.ThrowIfConnecting();
        long began = time.GetTimestamp();
        EmbeddingCall call;
        using (var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes))
            call = OllamaRequestReader.ReadEmbed(body.RootElement, http.QueueUser());
        var texts = await EmbeddingsApi.EmbedAsync(call, grains, places, usages, http.RequestAborted);
        return TypedResults.Json(new OllamaEmbeddings(call.Model, [.. texts.Select(text => text.Vector)],
            time.GetElapsedTime(began).Ticks * TimeSpan.NanosecondsPerTick, texts.Sum(text => text.Tokens)), OllamaJson.Default.OllamaEmbeddings);
    }

    private static async Task<JsonHttpResult<OllamaTags>> Tags(ModelDirectory models) =>
        TypedResults.Json(new OllamaTags([.. (await models.List()).Select(OllamaModel.Of)]), OllamaJson.Default.OllamaTags);

    private static async Task<JsonHttpResult<OllamaTags>> Running(ModelDirectory models) =>
        TypedResults.Json(new OllamaTags([.. (await models.List()).Where(model => model.State == "ready").Select(OllamaModel.Running)]), OllamaJson.Default.OllamaTags);

    private static async Task<JsonHttpResult<OllamaShow>> Show(HttpContext http, ModelDirectory models, IOptions<GatewayOptions> options)
    {
        using var body = await RequestBody.ReadObjectAsync(http, options.Value.MaxRequestBytes);
        var request = new RequestObject(body.RootElement);
        var model = await FindAsync(models, OllamaRequestReader.ReadModel(request, request.Find("model") is null && request.Find("name") is not null ? "name" : "model"));
        var info = new Dictionary<string, JsonElement>
        {
            ["general.architecture"] = JsonSerializer.SerializeToElement(model.Architecture, OllamaJson.Default.String),
            ["general.parameter_count"] = JsonSerializer.SerializeToElement(model.Weights, OllamaJson.Default.Int64),
            [$"{model.Architecture}.context_length"] = JsonSerializer.SerializeToElement(model.ContextLength, OllamaJson.Default.Int32),
        };
        return TypedResults.Json(new OllamaShow(OllamaDetails.Of(model), info, ["completion"], model.LoadedAt), OllamaJson.Default.OllamaShow);
    }

    private static async Task<ModelStatus> FindAsync(ModelDirectory models, string id)
    {
        var all = await models.List();
        return all.FirstOrDefault(model => model.Id == id) ?? throw new ApiException(ModelsApi.NotFound(id, all));
    }
}
