using SmolCluster.Gateway;
using SmolCluster.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
if (builder.Configuration.NodeTlsProblem() is { } problem)
{
    Console.Error.WriteLine(problem);
    return 2;
}
builder.BindToLoopbackUnlessTold();
builder.AddTelemetry();
builder.AddClusterConnection();
builder.AddSmolClusterGateway();

var app = builder.Build();
app.MapSmolClusterGateway();
app.Run();
return 0;
