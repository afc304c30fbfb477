using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using SmolCluster.Gateway.Anthropic;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Cluster;
using SmolCluster.Gateway.Completions;
using SmolCluster.Gateway.Conversations;
using SmolCluster.Gateway.Embeddings;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Health;
using SmolCluster.Gateway.Keys;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Ollama;
using SmolCluster.Gateway.Operations;
using SmolCluster.Gateway.Page;
using SmolCluster.Gateway.Requests;
using SmolCluster.Gateway.Responses;
using SmolCluster.Gateway.Tokens;
using SmolCluster.ServiceDefaults;

namespace SmolCluster.Gateway;

/// <summary>The gateway as two calls, so that it runs alone (a client of the cluster) or beside a silo in one process: all it
/// needs from its host is an <see cref="IGrainFactory"/>, which an Orleans client and a silo both register.</summary>
public static class GatewayHosting
{
    /// <summary>Registers what the endpoints need. Settings: section "Gateway", see <see cref="GatewayOptions"/>.</summary>
    public static IHostApplicationBuilder AddSmolClusterGateway(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<GatewayOptions>()
            .BindConfiguration(GatewayOptions.Section)
            .ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<GatewayOptions>, GatewayOptionsValidation>();
        builder.Services.AddOptions<KestrelServerOptions>().Configure<IOptions<GatewayOptions>>(TransportLimits.Apply);
        builder.Services.AddCors();
        builder.AddPrometheus();
        builder.Services.AddKeys();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<ModelDirectory>();
        builder.Services.AddSingleton<GatewayMetrics>();
        builder.Services.AddSingleton<AnswerMeters>();
        builder.Services.AddSingleton<ModelPlaces>();
        builder.Services.AddSingleton<Answers>();
        builder.Services.AddSingleton<Tokenizers>();
        builder.Services.AddSingleton<BackgroundAnswers>();
        builder.Services.AddSingleton<StoredResponses>();
        builder.Services.AddApiReference();
        builder.Services.AddSingleton<Admission>();
        return builder;
    }

    /// <summary>Maps the chat page at /, the API under /v1 and /health/live and /health/ready.</summary>
    public static WebApplication MapSmolClusterGateway(this WebApplication app)
    {
        app.UseRequestIds();
        app.UseStallLimit();
        app.UseGatewayErrors();
        app.UseCorsOrigins();
        app.UseLocalNamesOnLoopback();
        app.UseKeys();
        app.UseRequestBounds();
        app.MapPrometheus().RequireAuthorization(KeyScopes.Metrics);
        app.MapChatCompletions();
        app.MapCompletions();
        app.MapEmbeddings();
        app.MapTokens();
        app.MapResponses();
        app.MapMessages();
        app.MapOllama();
        app.MapConversations();
        app.MapCluster();
        app.MapModels();
        app.MapHealth();
        app.MapApiReference();
        app.MapChatPage();
        return app;
    }
}
