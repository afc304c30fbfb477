using Orleans.Configuration;
using SmolCluster.Contracts;
using SmolCluster.ServiceDefaults;

namespace SmolCluster.Gateway;

/// <summary>How the gateway that runs alone finds its cluster. It listens at once and keeps trying to connect: a gateway that
/// dies because it came up before its silos would only be started again by someone, and /health/ready tells the truth meanwhile.</summary>
public static class ClusterConnection
{
    private const string DefaultUrl = "http://127.0.0.1:8080";
    private const int DefaultGatewayPort = 30000;

    /// <summary>A gateway without keys is nobody's but this machine's, so nothing else reaches it unless an address is configured.</summary>
    public static void BindToLoopbackUnlessTold(this WebApplicationBuilder builder)
    {
        var configuration = builder.Configuration;
        string?[] told = [configuration["urls"], configuration["http_ports"], configuration["https_ports"]];
        if (told.All(string.IsNullOrEmpty) && !configuration.GetSection("Kestrel:Endpoints").Exists())
            builder.WebHost.UseUrls(DefaultUrl);
    }

    /// <summary>Connects as an Orleans client: by the configuration section "Orleans", or without one to a silo on this
    /// machine, at its "SmolCluster:GatewayPort".</summary>
    public static void AddClusterConnection(this WebApplicationBuilder builder)
    {
        builder.Services.AddOrleansClient(WithoutStorage(builder.Configuration), client =>
        {
            if (string.IsNullOrEmpty(builder.Configuration["Orleans:Clustering:ProviderType"]))
                client.UseLocalhostClustering(builder.Configuration.GetValue("SmolCluster:GatewayPort", DefaultGatewayPort));
            client.UseNodeTls();
            client.UseConnectionRetryFilter<ConnectionRetry>();
            client.Configure<Orleans.Configuration.GatewayOptions>(options => options.GatewayListRefreshPeriod = Liveness.SiloListRefresh);
            client.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = Liveness.ResponseTimeout);
        });
        builder.AddRedisConnections();
        builder.Services.Configure<HostOptions>(host => host.ServicesStartConcurrently = true);
        QuietUnlessConfigured(builder);
    }

    /// <summary>Nodes of a cluster are often given the same variables; Orleans' client ends at those of storage, which is none of its business.</summary>
    private static IConfiguration WithoutStorage(IConfiguration configuration) => new ConfigurationBuilder()
        .AddInMemoryCollection(configuration.AsEnumerable().Where(static pair => !pair.Key.StartsWith("Orleans:GrainStorage", StringComparison.OrdinalIgnoreCase)))
        .Build();

    /// <summary>One line an attempt says what Orleans tells in a stack trace.</summary>
    private static void QuietUnlessConfigured(WebApplicationBuilder builder)
    {
        (string Category, LogLevel Least)[] quiet =
        [
            ("Orleans", LogLevel.Warning),
            ("Orleans.Runtime.Messaging.ConnectionManager", LogLevel.Error),
            ("Microsoft.AspNetCore", LogLevel.Warning),
        ];
        foreach (var (category, least) in quiet)
            if (builder.Configuration[$"Logging:LogLevel:{category}"] is null)
                builder.Logging.AddFilter(category, least);
    }
}
