using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Console;
using SmolCluster.Contracts;
using SmolCluster.Gateway;
using SmolCluster.Grains;
using SmolCluster.Silo;
using Spectre.Console;

namespace SmolCluster.Cli;

/// <summary>What <c>smol serve</c> keeps where, and for whom it is.</summary>
/// <param name="KeysFile">Null: no keys.</param>
internal sealed record ServeSettings(string DataFolder, string? KeysFile, bool Open);

/// <summary>The one-process composition: what a silo's and a gateway's Program.cs do, in one host. The page is there while
/// the model loads; a model that cannot be loaded ends the process, because nothing may answer in its place.</summary>
internal static class ServeHost
{
    private static readonly TimeSpan LongestFarewell = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(100);

    public static async Task<int> RunAsync(SmolClusterOptions options, IPEndPoint endpoint, ServeSettings settings, bool verbose, CancellationToken cancellation)
    {
        if (options.Models.Select(ModelCatalog.ProblemWith).FirstOrDefault(static problem => problem is not null) is { } problem)
            throw new CommandFailure(problem);
        if (!IPAddress.IsLoopback(endpoint.Address) && settings is { KeysFile: null, Open: false })
            throw new CommandFailure($"other machines could reach {endpoint.Address}, and there are no API keys: make one with 'smol keys add NAME', or let everybody ask with --open");
        RequireFree(endpoint);
        await using WebApplication app = Build(options, endpoint, settings, verbose);
        if (app.SettingsProblem() is { } unusable)
            throw new CommandFailure(unusable);
        try
        {
            await app.StartAsync(cancellation);
        }
        catch (IOException failure) when (failure.InnerException is AddressInUseException)
        {
            throw InUse(endpoint);
        }

        ModelHost models = app.Services.GetRequiredService<ModelHost>();
        ServeBanner.ShowAddresses(app.Urls.First(), models.Statuses);
        ModelStatus status = await LoadedAsync(models, ModelCatalog.IdOf(options.Models[0]), app.Lifetime.ApplicationStopping);
        if (status.State == "failed" && !app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            await app.StopAsync(cancellation);
            throw new CommandFailure($"the model '{status.Id}' cannot be served: {status.Problem}");
        }

        if (status.State == "ready")
            ServeBanner.ShowReady(app.Urls.First(), models.Get(status.Id).Card);
        await app.WaitForShutdownAsync(cancellation);
        return 0;
    }

    private static WebApplication Build(SmolClusterOptions options, IPEndPoint endpoint, ServeSettings settings, bool verbose)
    {
        // Slim: without IIS, HTTPS, HTTP/3 and their like, which are 4 MB and ten threads that nobody here uses.
        // The content root is the program's folder: an appsettings.json where a person happens to stand is not ours.
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(endpoint));
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = LongestFarewell);
        Quieten(builder.Logging, verbose);
        builder.Configuration[SmolClusterOptions.DataFolderKey] = settings.DataFolder;
        builder.AddSmolClusterSilo(node => Copy(options, node));
        builder.AddSmolClusterGateway();
        builder.Services.Configure<SmolCluster.Gateway.GatewayOptions>(gateway => (gateway.KeysFile, gateway.Open) = (settings.KeysFile, settings.Open));
        WebApplication app = builder.Build();
        try
        {
            app.MapSmolClusterGateway();
        }
        catch (InvalidDataException unusable)
        {
            throw new CommandFailure(unusable.Message);
        }
        app.MapSiloDashboard();
        return app;
    }

    /// <summary>Log lines go to standard error. Without --verbose only warnings: what makes serve fail is told once, by the
    /// message it ends with, and not by the host and the model host as well.</summary>
    private static void Quieten(ILoggingBuilder logging, bool verbose)
    {
        logging.ClearProviders();
        logging.AddSimpleConsole(static console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "HH:mm:ss ";
            console.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
        });
        logging.Services.Configure<ConsoleLoggerOptions>(static console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.SetMinimumLevel(verbose ? LogLevel.Information : LogLevel.Warning);
        if (verbose)
            return;
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        logging.AddFilter(typeof(ModelHost).FullName, LogLevel.None);
        // a turn that took long: a machine with more to do than processors, and nothing that a person could mend
        logging.AddFilter("Orleans.Runtime.Scheduler", LogLevel.Error);
    }

    private static void Copy(SmolClusterOptions from, SmolClusterOptions to)
    {
        to.Models.Clear();
        foreach (ModelOptions model in from.Models)
            to.Models.Add(model);
        to.ContextLength = from.ContextLength;
        to.Threads = from.Threads;
        to.PinThreads = from.PinThreads;
        to.KvType = from.KvType;
        to.TwinFolder = from.TwinFolder;
        to.Speculation = from.Speculation;
        to.KvMemoryMiB = from.KvMemoryMiB;
        to.SiloPort = from.SiloPort;
        to.GatewayPort = from.GatewayPort;
    }

    /// <summary>The model's state once it is ready, failed, or the process is to stop.</summary>
    private static Task<ModelStatus> LoadedAsync(ModelHost models, string id, CancellationToken stopping)
    {
        return Terminal.WithProgressAsync($"loading {id}", progress =>
        {
            while (models.Statuses.FirstOrDefault(static one => one.State == "loading") is { } loading && !stopping.WaitHandle.WaitOne(ProgressInterval))
                progress.Report(loading.Progress);
            // an adapter that does not fit is told like a model that cannot be loaded
            return models.Statuses.FirstOrDefault(static one => one.State == "failed") ?? models.Statuses.First(one => one.Id == id);
        });
    }

    /// <summary>Asked before the silo starts and the model begins to load.</summary>
    private static void RequireFree(IPEndPoint endpoint)
    {
        using var probe = new TcpListener(endpoint);
        try
        {
            probe.Start();
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw InUse(endpoint);
        }
        catch (SocketException failure)
        {
            throw new CommandFailure($"cannot listen on {endpoint}: {failure.Message}");
        }
    }

    private static CommandFailure InUse(IPEndPoint endpoint) =>
        new($"port {endpoint.Port} on {endpoint.Address} is in use, maybe by another smol serve: choose another with --port");
}
