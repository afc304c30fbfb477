using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Dashboard;
using SmolCluster.Contracts;
using SmolCluster.Grains;
using SmolCluster.ServiceDefaults;
using SmolCluster.Silo.Storage;

namespace SmolCluster.Silo;

/// <summary>A node of the cluster in any host: the standalone silo and the one-process <c>smol serve</c> compose the same call.
/// Orleans binds its own section "Orleans" (Aspire fills it); what that leaves open becomes a local cluster on loopback, because
/// silos trust whoever reaches their port and the default would be the machine's own address.</summary>
public static class SiloHosting
{
    /// <summary>Where other silos' grains are, remembered for so many: more than a node's users have conversations. Orleans' own
    /// million takes 9 MB before the first one.</summary>
    private const int CachedGrainAddresses = 65_536;

    /// <summary>Binds the section "SmolCluster"; <paramref name="configure"/> runs after it.</summary>
    public static TBuilder AddSmolClusterSilo<TBuilder>(this TBuilder builder, Action<SmolClusterOptions>? configure = null)
        where TBuilder : IHostApplicationBuilder
    {
        var options = builder.Services.AddOptions<SmolClusterOptions>().BindConfiguration(SmolClusterOptions.Section);
        if (configure is not null) options.Configure(configure);
        options.ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<SmolClusterOptions>, SmolClusterOptionsValidation>();
        builder.Services.AddHostedService<SiloAnnouncement>();
        QuietInfrastructure(builder);
        KeepToThisMachineUnlessTold(builder);
        builder.AddRedisConnections();
        builder.UseOrleans(silo => silo
            .AddModelHost(services => ModelCatalog.From(services.GetRequiredService<IOptions<SmolClusterOptions>>().Value))
            .UseLocalClusterUnlessConfigured()
            .KeepConversations()
            .KeepGrainsWhenSilosLeave()
            .NoticeSoonWhoIsGone()
            .UseNodeTls()
            .Configure<GrainDirectoryOptions>(static directory => directory.CacheSize = CachedGrainAddresses)
            .AddDashboard());
        return builder;
    }

    /// <summary>Orleans and its parts tell hundreds of lines at every start; whoever wants a category sets its Logging:LogLevel.
    /// The watchdog of 10.4.2 warns each time that its check "has not completed", before the first one ran.</summary>
    private static void QuietInfrastructure(IHostApplicationBuilder builder)
    {
        string[] chatty = ["Orleans", "Polly", "Microsoft.AspNetCore", "SmolCluster.Grains.RemoteModelHost", "SmolCluster.Grains.Stages.RemoteStages"];
        foreach (var category in chatty)
            if (builder.Configuration[$"Logging:LogLevel:{category}"] is null) builder.Logging.AddFilter(category, LogLevel.Warning);
        builder.Logging.AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);
    }

    /// <summary>Everything that is wrong with the settings of a built host, or null: for a host that says it in one message
    /// instead of a stack trace.</summary>
    public static string? SettingsProblem(this IHost host)
    {
        try
        {
            _ = host.Services.GetRequiredService<IOptions<SmolClusterOptions>>().Value;
            _ = host.Services.GetService<SqliteDatabase>();
            return null;
        }
        catch (OptionsValidationException wrong)
        {
            return string.Join(Environment.NewLine, wrong.Failures);
        }
        catch (IOException unusable)
        {
            return unusable.Message;
        }
    }

    private static ISiloBuilder UseLocalClusterUnlessConfigured(this ISiloBuilder silo)
    {
        if (silo.Configuration["Orleans:Clustering:ProviderType"] is { Length: > 0 } and not "Development") return silo;
        silo.UseLocalhostClustering();
        silo.Services.AddOptions<EndpointOptions>().Configure<IOptions<SmolClusterOptions>>((endpoints, options) =>
        {
            endpoints.SiloPort = PortOrFree(options.Value.SiloPort);
            endpoints.GatewayPort = PortOrFree(options.Value.GatewayPort);
        });
        silo.Services.AddOptions<DevelopmentClusterMembershipOptions>().Configure<IOptions<SmolClusterOptions>>((membership, options) =>
        {
            if (options.Value.PrimarySiloPort is { } port) membership.PrimarySiloEndpoint = new(IPAddress.Loopback, port);
        });
        return silo;
    }

    /// <summary>With the default directory, grains on surviving silos are dropped when another silo leaves.</summary>
    private static ISiloBuilder KeepGrainsWhenSilosLeave(this ISiloBuilder silo)
    {
        // a decoding silo's processor is always busy: shedding load by it would refuse everything
        silo.Configure<LoadSheddingOptions>(options => options.LoadSheddingEnabled = false);
        // the directory would keep the grains of a killed silo where nobody can reach them for 18 s, in case that silo does not
        // know yet that it is dead and goes on writing; conversations need no such time, their records are fenced
        silo.Configure<GrainDirectoryOptions>(options => options.RangeLeaseDuration = TimeSpan.Zero);
        return silo.AddDistributedGrainDirectory();
    }

    private static ISiloBuilder NoticeSoonWhoIsGone(this ISiloBuilder silo)
    {
        silo.Configure<ClusterMembershipOptions>(options =>
        {
            options.ProbeTimeout = Liveness.ProbeTimeout;
            options.MinProbeTimeout = Liveness.ProbeTimeout;
            // no silo votes against one that said anything within this, times the missed probes: by default that is 12 s
            options.MaxProbeTimeout = Liveness.ProbeTimeout;
            options.NumMissedProbesLimit = Liveness.MissedProbes;
            options.IAmAliveTablePublishTimeout = Liveness.TableHeartbeat;
            options.TableRefreshTimeout = Liveness.TableRefresh;
        });
        silo.Configure<SiloMessagingOptions>(options => options.ResponseTimeout = Liveness.ResponseTimeout);
        return silo;
    }

    /// <summary>Without <see cref="NodeTls"/>, traffic between silos is neither authenticated nor encrypted: another machine reaches it
    /// only if an address for it is configured.</summary>
    private static void KeepToThisMachineUnlessTold(IHostApplicationBuilder builder)
    {
        const string key = "Orleans:Endpoints:AdvertisedIPAddress";
        if (string.IsNullOrEmpty(builder.Configuration[key])) builder.Configuration[key] = IPAddress.Loopback.ToString();
    }

    private static int PortOrFree(int port)
    {
        if (port != 0) return port;
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
