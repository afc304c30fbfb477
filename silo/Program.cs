using SmolCluster.Contracts;
using SmolCluster.ServiceDefaults;
using SmolCluster.Silo;

var builder = WebApplication.CreateBuilder(args);
if (builder.Configuration.NodeTlsProblem() is { } tls)
{
    await Console.Error.WriteLineAsync(tls);
    return 2;
}
builder.AddTelemetry();
builder.AddPrometheus();
builder.AddSmolClusterSilo();
builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = Liveness.DrainLimit);
builder.Services.AddHostedService<EndInTime>();

await using var app = builder.Build();
if (app.SettingsProblem() is { } problem)
{
    await Console.Error.WriteLineAsync(problem);
    return 2;
}
app.MapSiloHealth();
app.MapPrometheus();
app.MapSiloDashboard();
await app.RunAsync();
return 0;
