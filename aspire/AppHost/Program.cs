using System.Globalization;
using Microsoft.Extensions.Configuration;
using SmolCluster.AppHost;

// Redis, silos, a gateway and their dashboards, each started when what it needs is well. Settings: Parameters:model (a full path of a
// GGUF file, or demo), Parameters:silos, and ConnectionStrings:redis for a Redis that is there already.
var builder = DistributedApplication.CreateBuilder(args);
string? address = builder.Configuration.GetConnectionString("redis");
int silos = builder.Configuration.GetValue("Parameters:silos", 3);
string? problem = silos is < 1 or > 64 ? $"Parameters:silos is {silos}; it must be between 1 and 64."
    : address is null && builder.ExecutionContext.IsRunMode ? ContainerRuntime.Problem() : null;
if (problem is not null)
{
    await Console.Error.WriteLineAsync(problem);
    return 2;
}

IResourceBuilder<IResourceWithConnectionString> redis = address is null
    ? builder.AddRedis("redis").WithDataVolume().WithPersistence()
    : builder.AddConnectionString("redis").WithOrleansProviderType("Redis");
var orleans = builder.AddOrleans("smolcluster").WithClusterId("smolcluster").WithServiceId("smolcluster")
    .WithClustering(redis).WithGrainStorage("conversations", redis);
var model = builder.AddParameter("model", builder.Configuration["Parameters:model"] ?? "demo", publishValueAsDefault: true);

var silo = builder.AddProject<Projects.SmolCluster_Silo>("silo")
    .WithReference(orleans)
    .WithHttpEndpoint()
    .WithHttpHealthCheck("/health/ready")
    .WithUrlForEndpoint("http", static _ => new() { Url = "/orleans", DisplayText = "Orleans' dashboard" })
    .WithEnvironment("SmolCluster__Models__0__Path", model)
    // they share a machine
    .WithEnvironment("SmolCluster__Threads", Math.Max(1, Environment.ProcessorCount / silos).ToString(CultureInfo.InvariantCulture))
    .WithReplicas(silos)
    .WaitFor(redis);

builder.AddProject<Projects.SmolCluster_Gateway>("gateway")
    .WithReference(orleans.AsClient())
    .WithHttpEndpoint(port: 8080)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health/ready")
    .WithUrlForEndpoint("http", static url => url.DisplayText = "Chat")
    .WithUrlForEndpoint("http", static _ => new() { Url = "/cluster", DisplayText = "The cluster" })
    .WithUrlForEndpoint("http", static _ => new() { Url = "/reference", DisplayText = "The API" })
    .WaitFor(silo);

await builder.Build().RunAsync();
return 0;
