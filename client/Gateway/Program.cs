using SmolCluster.Gateway;

var builder = WebApplication.CreateBuilder(args);
builder.BindToLoopbackUnlessTold();
builder.AddClusterConnection();
builder.AddSmolClusterGateway();

var app = builder.Build();
app.MapSmolClusterGateway();
app.Run();
