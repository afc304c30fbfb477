using System.Collections.Frozen;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace SmolCluster.Gateway.Page;

/// <summary>The chat page and the cluster's page, from files inside this assembly: nothing to deploy beside it, and nothing fetched from elsewhere.
/// Files are few and small, so they are read once, and an ETag of their bytes lets browsers keep them across versions.</summary>
internal static class ChatPage
{
    /// <summary>Only this origin's files and API: text of a model loads and runs nothing, even if it got into the page as HTML.</summary>
    private const string SecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string Folder = "Page/assets/";

    private static readonly FrozenDictionary<string, string> ContentTypes = new Dictionary<string, string>
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    }.ToFrozenDictionary();

    public static void MapChatPage(this IEndpointRouteBuilder routes)
    {
        foreach (string name in typeof(ChatPage).Assembly.GetManifestResourceNames().Where(static name => name.StartsWith(Folder, StringComparison.Ordinal)))
            routes.MapGet(PathOf(name[Folder.Length..]), Asset.Read(name).Serve).AllowAnonymous();
    }

    private static string PathOf(string file) => file switch
    {
        "index.html" => "/",
        "cluster.html" => "/cluster",
        _ => "/assets/" + file,
    };

    private sealed record Asset(byte[] Content, string ContentType, EntityTagHeaderValue Tag)
    {
        public static Asset Read(string name)
        {
            using var stream = typeof(ChatPage).Assembly.GetManifestResourceStream(name)!;
            byte[] content = new byte[stream.Length];
            stream.ReadExactly(content);
            string tag = Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 8));
            return new(content, ContentTypes[Path.GetExtension(name)], new($"\"{tag}\""));
        }

        public FileContentHttpResult Serve(HttpContext http)
        {
            var headers = http.Response.Headers;
            headers.ContentSecurityPolicy = SecurityPolicy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            headers.CacheControl = "no-cache";
            return TypedResults.Bytes(Content, ContentType, entityTag: Tag);
        }
    }
}
