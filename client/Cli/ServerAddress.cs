using System.CommandLine;

namespace SmolCluster.Cli;

/// <summary>URL: where a server listens that a command asks.</summary>
internal static class ServerAddress
{
    private const string Default = "http://127.0.0.1:8080";

    public static Argument<string> Argument()
    {
        var url = new Argument<string>("URL") { Description = $"Where it listens (default: {Default})", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = static _ => Default };
        url.Validators.Add(static result =>
        {
            if (!(Uri.TryCreate(result.GetValueOrDefault<string>(), UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https"))
                result.AddError($"URL: '{result.GetValueOrDefault<string>()}' is no address; expected one such as {Default}.");
        });
        return url;
    }
}
