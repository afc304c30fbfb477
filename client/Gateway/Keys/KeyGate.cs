using Microsoft.AspNetCore.Authorization;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Keys;

/// <summary>Holds every request that asks for work (every POST) against its key's limits, and tells in the response's headers what is
/// left. ASP.NET Core's limiters are not used: they know no cost that comes to light afterwards, and no headers.</summary>
internal static class KeyGate
{
    /// <summary>Who may use what. What no endpoint says of itself needs the scope chat, so that a new one is never open by mistake.</summary>
    public static void AddKeys(this IServiceCollection services)
    {
        services.AddSingleton<KeyRing>();
        services.AddSingleton<KeyUsages>();
        services.AddSingleton<KeySharing>();
        services.AddHostedService(services => services.GetRequiredService<KeySharing>());
        services.AddSingleton<BoundAddresses>();
        // the core only: the rest would make keys for cookies, which nothing here has, and write them into the user's home
        services.AddAuthenticationCore(options =>
        {
            options.DefaultScheme = KeyAuthentication.SchemeName;
            options.AddScheme<KeyAuthentication>(KeyAuthentication.SchemeName, displayName: null);
        });
        services.AddWebEncoders();
        services.AddTransient<KeyAuthentication>();
        services.AddAuthorizationBuilder()
            .AddPolicy(KeyScopes.Metrics, Allows(KeyScopes.Metrics))
            .AddPolicy(KeyScopes.Admin, Allows(KeyScopes.Admin))
            .SetFallbackPolicy(Allows(KeyScopes.Chat));
    }

    /// <summary>After the middleware that writes errors.</summary>
    public static void UseKeys(this WebApplication app)
    {
        _ = app.Services.GetRequiredService<KeyRing>(); // a file that cannot be used is told at the start
        app.UseAuthentication();
        app.UseAuthorization();
        app.Use(Count);
    }

    private static AuthorizationPolicy Allows(string scope) =>
        new AuthorizationPolicyBuilder(KeyAuthentication.SchemeName).RequireClaim(KeyAuthentication.ScopeClaim, scope, KeyScopes.Admin).Build();

    private static async Task Count(HttpContext http, RequestDelegate next)
    {
        if (!HttpMethods.IsPost(http.Request.Method) || http.Items[KeyAuthentication.KeyItem] is not ApiKey key)
        {
            await next(http);
            return;
        }
        var usage = http.RequestServices.GetRequiredService<KeyUsages>().Of(key);
        await http.RequestServices.GetRequiredService<KeySharing>().CatchUpAsync(key.Id, usage);
        http.Response.OnStarting(() =>
        {
            usage.Tell(http.Response.Headers);
            return Task.CompletedTask;
        });
        if (usage.Enter() is { } refusal)
            throw new ApiException(new(StatusCodes.Status429TooManyRequests, refusal.Message, "rate_limit_error", null, refusal.Code, refusal.RetryAfter));
        try
        {
            await next(http);
        }
        finally
        {
            usage.Leave();
        }
    }
}
