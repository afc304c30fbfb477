using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using SmolCluster.Gateway.Errors;

namespace SmolCluster.Gateway.Keys;

/// <summary>Knows callers by their key: "Authorization: Bearer …", as OpenAI's and Ollama's clients send it, or "x-api-key: …", as
/// Anthropic's do. Without a file of keys everybody may do everything, as long as only this machine reaches the gateway or
/// Gateway:Open says that it is meant so.</summary>
internal sealed class KeyAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> scheme, ILoggerFactory loggers, UrlEncoder encoder,
    KeyRing ring, IOptions<GatewayOptions> options, BoundAddresses bound) : AuthenticationHandler<AuthenticationSchemeOptions>(scheme, loggers, encoder)
{
    public const string SchemeName = "ApiKey";
    public const string ScopeClaim = "scope";

    /// <summary>What a request comes with when it is let in: <see cref="KeyGate"/> counts it.</summary>
    public static readonly object KeyItem = new();

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!ring.Locked)
            return Task.FromResult(options.Value.Open || bound.AreLocal ? LetIn([new(ScopeClaim, KeyScopes.Admin)]) : AuthenticateResult.NoResult());
        if (Presented() is not { } presented)
            return Task.FromResult(AuthenticateResult.NoResult());
        if (ring.Find(presented) is not { } key)
            return Task.FromResult(AuthenticateResult.Fail("This API key is wrong, has expired or was revoked."));
        Context.Items[KeyItem] = key;
        return Task.FromResult(LetIn([new(Caller.KeyIdClaim, key.Id), .. key.Scopes.Select(scope => new Claim(ScopeClaim, scope))]));
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (!ring.Locked)
        {
            await ApiError.Request(StatusCodes.Status403Forbidden, "keys_required",
                "Other machines can reach this gateway, but it has no API keys, so it answers nobody. Make a key with 'smol keys add NAME' and point "
                + "Gateway:KeysFile to its file, or set Gateway:Open to true if everybody may use it.").WriteAsync(Context);
            return;
        }
        string problem = (await HandleAuthenticateOnceAsync()).Failure?.Message
            ?? "This gateway needs an API key: send it as 'Authorization: Bearer KEY' or 'x-api-key: KEY'.";
        Response.Headers.WWWAuthenticate = "Bearer";
        await new ApiError(StatusCodes.Status401Unauthorized, problem, "authentication_error", null, "invalid_api_key").WriteAsync(Context);
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        new ApiError(StatusCodes.Status403Forbidden, $"This API key may not do {Request.Method} {Request.Path}: its scopes are "
            + $"{string.Join(", ", Context.User.FindAll(ScopeClaim).Select(claim => claim.Value))}.", "permission_error", null, "insufficient_scope").WriteAsync(Context);

    private static AuthenticateResult LetIn(IEnumerable<Claim> claims) =>
        AuthenticateResult.Success(new(new(new ClaimsIdentity(claims, SchemeName)), SchemeName));

    private string? Presented()
    {
        const string bearer = "Bearer ";
        string? authorization = Request.Headers.Authorization;
        if (authorization?.StartsWith(bearer, StringComparison.OrdinalIgnoreCase) == true)
            return authorization[bearer.Length..].Trim();
        string? key = Request.Headers["x-api-key"];
        return string.IsNullOrEmpty(key) ? null : key;
    }
}
