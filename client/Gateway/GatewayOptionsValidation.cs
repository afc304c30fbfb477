using Microsoft.Extensions.Options;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway;

/// <summary>Everything that is wrong with a gateway's settings, at once and before it starts.</summary>
internal sealed class GatewayOptionsValidation : IValidateOptions<GatewayOptions>
{
    public ValidateOptionsResult Validate(string? name, GatewayOptions options)
    {
        var problems = Problems(options).ToArray();
        return problems.Length == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static IEnumerable<string> Problems(GatewayOptions options)
    {
        if (options.MaxRequestBytes is < 1024 or > GatewayOptions.LargestRequestBytes)
            yield return $"Gateway:MaxRequestBytes must be between 1024 and {GatewayOptions.LargestRequestBytes}.";
        if (options.ResumeLimit < TimeSpan.Zero || options.ResumeLimit > TimeSpan.FromHours(1))
            yield return "Gateway:ResumeLimit must be between 00:00:00 and 01:00:00.";
        if (options.HeadersTimeout <= TimeSpan.Zero || options.HeadersTimeout > TimeSpan.FromHours(1))
            yield return "Gateway:HeadersTimeout must be above 00:00:00 and at most 01:00:00.";
        if (!(options.LeastBytesPerSecond >= 0))
            yield return "Gateway:LeastBytesPerSecond must be 0 (no limit) or more.";
        if (options.SlowGrace <= TimeSpan.FromSeconds(1))
            yield return "Gateway:SlowGrace must be more than 00:00:01, how often the server looks.";
        if (options.StallLimit <= TimeSpan.Zero || options.StallLimit > TimeSpan.FromHours(1))
            yield return "Gateway:StallLimit must be above 00:00:00 and at most 01:00:00.";
        if (options.MaxConnections < 1)
            yield return "Gateway:MaxConnections must be at least 1.";
        if (options.MaxOpenRequests is < 1 or > 1_000_000)
            yield return "Gateway:MaxOpenRequests must be between 1 and 1000000.";
        if (options.RequestLimit is { } limit && (limit <= TimeSpan.Zero || limit > Deadline.Longest))
            yield return "Gateway:RequestLimit must be above 0 and at most 1.00:00:00.";
        if (!options.Weights.Values.All(weight => weight is >= 0.01 and <= 100))
            yield return "Gateway:Weights must be between 0.01 and 100.";
        foreach (string origin in options.CorsOrigins)
            if (origin != "*" && !IsOrigin(origin))
                yield return $"Gateway:CorsOrigins has '{origin}'; an origin is a scheme, a host and maybe a port, like https://chat.example, or \"*\" for all.";
    }

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.GetLeftPart(UriPartial.Authority).Equals(text, StringComparison.OrdinalIgnoreCase);
}
