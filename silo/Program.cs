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
builder.AddSmolClusterSilo();
builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = Liveness.DrainLimit);

await using var app = builder.Build();
if (app.SettingsProblem() is { } problem)
{
    await Console.Error.WriteLineAsync(problem);
    return 2;
}
app.MapSiloHealth();
app.MapSiloDashboard();
await app.RunAsync();
return 0;
