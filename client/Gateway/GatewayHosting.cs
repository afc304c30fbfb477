using Microsoft.Extensions.DependencyInjection.Extensions;
using SmolCluster.Gateway.Chat;
using SmolCluster.Gateway.Cluster;
using SmolCluster.Gateway.Conversations;
using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Health;
using SmolCluster.Gateway.Models;
using SmolCluster.Gateway.Page;
using SmolCluster.Gateway.Requests;

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
            .Validate(options => options.MaxRequestBytes is >= 1024 and <= GatewayOptions.LargestRequestBytes,
                $"Gateway:MaxRequestBytes must be between 1024 and {GatewayOptions.LargestRequestBytes}.")
            .Validate(options => options.ResumeLimit >= TimeSpan.Zero && options.ResumeLimit <= TimeSpan.FromHours(1),
                "Gateway:ResumeLimit must be between 00:00:00 and 01:00:00.")
            .Validate(options => options.MaxOpenRequests is >= 1 and <= 1_000_000, "Gateway:MaxOpenRequests must be between 1 and 1000000.")
            .Validate(options => options.RequestLimit is not { } limit || (limit > TimeSpan.Zero && limit <= Deadline.Longest),
                "Gateway:RequestLimit must be above 0 and at most 1.00:00:00.")
            .Validate(options => options.Weights.Values.All(weight => weight is >= 0.01 and <= 100), "Gateway:Weights must be between 0.01 and 100.")
            .ValidateOnStart();
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<ModelDirectory>();
        builder.Services.AddSingleton<Answers>();
        builder.Services.AddSingleton<Admission>();
        return builder;
    }

    /// <summary>Maps the chat page at /, the API under /v1 and /health/live and /health/ready.</summary>
    public static WebApplication MapSmolClusterGateway(this WebApplication app)
    {
        app.UseOpenAiErrors();
        app.UseLocalNamesOnLoopback();
        app.UseRequestBounds();
        app.MapChatCompletions();
        app.MapConversations();
        app.MapCluster();
        app.MapModels();
        app.MapHealth();
        app.MapChatPage();
        return app;
    }
}
