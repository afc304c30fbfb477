using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Reads "logprobs" and "top_logprobs".</summary>
internal static class LogprobsReader
{
    private const int MostTop = 20;

    /// <returns>How many of the likeliest tokens are told with each; null: no logprobs.</returns>
    public static int? Read(RequestObject request)
    {
        bool wanted = request.Boolean("logprobs") ?? false;
        int top = (int)(request.Integer("top_logprobs", 0, MostTop) ?? 0);
        if (top > 0 && !wanted)
            throw RequestObject.Refuse("top_logprobs", "invalid_value", "Invalid 'top_logprobs': only with 'logprobs': true.");
        return wanted ? top : null;
    }
}
