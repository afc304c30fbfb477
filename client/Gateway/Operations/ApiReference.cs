using System.Text.Json;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace SmolCluster.Gateway.Operations;

/// <summary>GET /openapi/v1.json, what the API can do as an OpenAPI document, and GET /reference, a page to read and try it. The page is
/// made of files inside its package's assembly, and its policy keeps it from asking anybody else for anything.</summary>
internal static class ApiReference
{
    private const string DocumentPath = "/openapi/v1.json";
    private const string PagePath = "/reference";

    private const string SecurityPolicy = "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        + "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void AddApiReference(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.ShouldInclude = description => description.RelativePath is { } path && (path.StartsWith("v1/", StringComparison.Ordinal)
            || path.StartsWith("api/", StringComparison.Ordinal) || path.StartsWith("health/", StringComparison.Ordinal));
        options.AddDocumentTransformer(Describe);
        options.AddOperationTransformer(AddBody);
        options.AddSchemaTransformer(NameAsSent);
    });

    public static void MapApiReference(this WebApplication app)
    {
        app.MapOpenApi(DocumentPath.Replace("v1", "{documentName}", StringComparison.Ordinal)).AllowAnonymous();
        app.Use((http, next) =>
        {
            if (http.Request.Path.StartsWithSegments(PagePath))
                http.Response.Headers.ContentSecurityPolicy = SecurityPolicy;
            return next(http);
        });
        app.MapScalarApiReference(PagePath, static options => options.WithTitle("SmolCluster").WithOpenApiRoutePattern(DocumentPath)
            .DisableTelemetry().DisableAgent().DisableMcp().DisableDefaultFonts()).AllowAnonymous();
    }

    private static Task Describe(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellation)
    {
        document.Info.Title = "SmolCluster";
        document.Info.Description = "One cluster in four dialects: OpenAI's chat completions and responses, Anthropic's messages, and Ollama's API. "
            + "A field that would change an answer and is not supported gets a 400 that names it.";
        document.Servers = []; // whatever address it is read at
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            ["key"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "A key of `smol keys add`, where the gateway has keys." },
        };
        return Task.CompletedTask;
    }

    private static Task AddBody(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellation)
    {
        if (context.Description.ActionDescriptor.EndpointMetadata.OfType<RequestFields>().LastOrDefault() is { } fields)
            operation.RequestBody = fields.ToBody();
        return Task.CompletedTask;
    }

    /// <summary>Responses are written by the gateway's own serializers, in snake case, not by the options that schemas are made of.</summary>
    private static Task NameAsSent(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellation)
    {
        if (schema.Properties is { Count: > 0 } properties)
            schema.Properties = properties.ToDictionary(property => Sent(property.Key), property => property.Value);
        if (schema.Required is { Count: > 0 } required)
            schema.Required = required.Select(Sent).ToHashSet();
        return Task.CompletedTask;
    }

    private static string Sent(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);
}
