using SmolCluster.Gateway.Errors;
using SmolCluster.Gateway.Keys;

namespace SmolCluster.Gateway.Conversations;

/// <summary>Whose conversations a request means: the key's. Without keys the header X-SmolCluster-User names a person, percent-encoded where it is not
/// ASCII; without it all share one list. Such a name is a label and no secret: whoever reaches the gateway can use
/// any. It also is whose turn it is in the fair queue.</summary>
internal static class Callers
{
    public const string Header = "X-SmolCluster-User";
    private const int LongestName = 64;

    public static string OwnerOf(HttpContext http)
    {
        if (http.User.HasClaim(static claim => claim.Type == Caller.KeyIdClaim))
            return http.QueueUser();
        string name = Uri.UnescapeDataString(http.Request.Headers[Header].ToString()).Trim();
        if (name.Length == 0)
            return "user:";
        if (name.Length > LongestName || name.Any(char.IsControl))
            throw new ApiException(ApiError.Invalid(Header, "invalid_value",
                $"Invalid '{Header}': expected a name of at most {LongestName} characters without control characters, percent-encoded."));
        return "user:" + name;
    }
}
