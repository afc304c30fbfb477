using SmolCluster.Gateway;
using SmolCluster.ServiceDefaults;

var builder = WebApplication.CreateBuilder(args);
builder.BindToLoopbackUnlessTold();
builder.AddTelemetry();
builder.AddClusterConnection();
builder.AddSmolClusterGateway();

var app = builder.Build();
app.MapSmolClusterGateway();
app.Run();
