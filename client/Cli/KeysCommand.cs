using System.CommandLine;
using System.Globalization;
using SmolCluster.Gateway.Keys;
using Spectre.Console;

namespace SmolCluster.Cli;

/// <summary><c>smol keys</c>: the file of API keys. A key is shown once, when it is made; the file has its hash.</summary>
internal static class KeysCommand
{
    private static readonly Option<string?> s_file = new("--keys")
    {
        Description = $"The file of keys (default: {KeyFile.DefaultName} in the folder where smol serve keeps its data)",
        HelpName = "FILE",
        Recursive = true,
    };

    public static string FileIn(string dataFolder) => Path.Combine(dataFolder, KeyFile.DefaultName);

    public static Command Create() => new SmolCommand("keys", "API keys: who may ask, and how much",
        "smol keys add alice",
        "smol keys add batch --requests-per-minute 60 --tokens-per-day 1000000 --concurrent 4",
        "smol keys add prometheus --scope metrics",
        "smol keys list",
        "smol keys revoke alice")
    {
        Add(), List(), Revoke(), s_file,
    };

    private static Command Add()
    {
        var name = new Argument<string>("NAME") { Description = "Whose it is" };
        var scopes = new Option<string[]>("--scope")
        {
            Description = $"What it may do, once or more: {string.Join(", ", KeyScopes.All)}",
            HelpName = string.Join('|', KeyScopes.All),
            DefaultValueFactory = static _ => [KeyScopes.Chat],
        };
        scopes.AcceptOnlyFromAmong([.. KeyScopes.All]);
        var requests = Limit<int?>("--requests-per-minute", "Requests a minute at most");
        var tokens = Limit<int?>("--tokens-per-minute", "Tokens of prompts and answers a minute at most");
        var day = Limit<long?>("--tokens-per-day", "Tokens of prompts and answers a day at most");
        var concurrent = Limit<int?>("--concurrent", "Requests at once at most");
        var days = Limit<int?>("--expires", "Days from now until it expires (default: never)");
        var command = new Command("add", "Make a key and show it once") { name, scopes, requests, tokens, day, concurrent, days };
        command.SetAction(parsed =>
        {
            DateTimeOffset now = DateTimeOffset.UtcNow;
            ApiKey key = ApiKey.New(parsed.GetRequiredValue(name), now, out string secret) with
            {
                Scopes = [.. parsed.GetRequiredValue(scopes).Distinct()],
                Expires = parsed.GetValue(days) is { } lifetime ? now.AddDays(lifetime) : null,
                Limits = new KeyLimits
                {
                    RequestsPerMinute = parsed.GetValue(requests),
                    TokensPerMinute = parsed.GetValue(tokens),
                    TokensPerDay = parsed.GetValue(day),
                    Concurrent = parsed.GetValue(concurrent),
                },
            };
            Save(FilePath(parsed), key);
            Console.Out.WriteLine(secret);
            Console.Error.WriteLine($"This is the only time that the key is shown. A running smol serve or gateway that uses {FilePath(parsed)} takes it within a second.");
        });
        return command;
    }

    private static Command List()
    {
        var command = new Command("list", "The keys there are, without their secrets");
        command.SetAction(static parsed =>
        {
            Table table = new Table().Border(TableBorder.None).AddColumns("id", "name", "scopes", "created", "expires", "requests/min", "tokens/min", "tokens/day", "at once");
            foreach (ApiKey key in Read(FilePath(parsed)))
                table.AddRow([.. new[]
                {
                    key.Id, key.Name, string.Join(' ', key.Scopes), Show(key.Created), key.Expires is { } end ? Show(end) : "never",
                    Show(key.Limits.RequestsPerMinute), Show(key.Limits.TokensPerMinute), Show(key.Limits.TokensPerDay), Show(key.Limits.Concurrent),
                }.Select(Markup.Escape)]);
            Terminal.Out.Write(table);
        });
        return command;
    }

    private static Command Revoke()
    {
        var which = new Argument<string>("KEY") { Description = "Its id or its name" };
        var command = new Command("revoke", "End a key") { which };
        command.SetAction(parsed =>
        {
            string path = FilePath(parsed), named = parsed.GetRequiredValue(which);
            IReadOnlyList<ApiKey> keys = Read(path);
            ApiKey[] left = [.. keys.Where(key => key.Id != named && key.Name != named)];
            if (left.Length == keys.Count)
                throw new CommandFailure($"{path} has no key '{named}'; smol keys list shows those there are");
            KeyFile.Write(path, left);
        });
        return command;
    }

    private static void Save(string path, ApiKey key)
    {
        if (KeyFile.ProblemWithName(key.Name) is { } problem)
            throw new CommandFailure(problem);
        IReadOnlyList<ApiKey> keys = File.Exists(path) ? Read(path) : [];
        if (keys.Any(other => other.Name == key.Name))
            throw new CommandFailure($"{path} has a key '{key.Name}' already: choose another name, or revoke that one");
        KeyFile.Write(path, [.. keys, key]);
    }

    private static IReadOnlyList<ApiKey> Read(string path)
    {
        try
        {
            return File.Exists(path) ? KeyFile.Read(path) : throw new CommandFailure($"there is no file of keys at {path}; smol keys add NAME makes one");
        }
        catch (InvalidDataException wrong)
        {
            throw new CommandFailure(wrong.Message);
        }
    }

    private static string FilePath(ParseResult parsed) => Path.GetFullPath(parsed.GetValue(s_file) ?? FileIn(DataFolder.Default()));

    private static Option<T> Limit<T>(string name, string description)
    {
        var option = new Option<T>(name) { Description = description };
        option.Validators.Add(result =>
        {
            if (Convert.ToInt64(result.GetValueOrDefault<T>() ?? (object)1L, CultureInfo.InvariantCulture) < 1)
                result.AddError($"{name} must be at least 1.");
        });
        return option;
    }

    private static string Show(DateTimeOffset time) => time.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Show(long? limit) => limit?.ToString(CultureInfo.InvariantCulture) ?? "-";
}
