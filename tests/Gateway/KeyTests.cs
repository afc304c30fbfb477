using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Gateway.Keys;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>A gateway with a file of keys: who is let in, how much, and what the others are told.</summary>
public sealed class KeyTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("smol-keys-").FullName;
    private readonly ShiftedTime time = new();

    private string KeysFile => Path.Combine(folder, "keys.json");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Hear_ClusterDoesNotAnswer_CountsAlone()
    {
        var usage = new KeyUsage(new KeyLimits { Concurrent = 1 }, time);
        var told = usage.Report()!;
        usage.Hear(told, new KeyShare(told.Known, RunningElsewhere: 1));
        Assert.Equal("rate_limit_exceeded", usage.Enter()!.Code);
        usage.Hear(usage.Report()!, null);
        Assert.Null(usage.Enter());
    }

    [Theory]
    [InlineData("Authorization", "Bearer {0}")]
    [InlineData("authorization", "bearer {0}")]
    [InlineData("x-api-key", "{0}")]
    public async Task Key_EitherHeader_LetsIn(string header, string form)
    {
        await using var host = await StartAsync(Key("alice", out string secret));
        using var response = await SendAsync(host, Api.Body("\"max_tokens\":2"), request => request.Headers.TryAddWithoutValidation(header, string.Format(null, form, secret)));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Key_NoneOrWrong_401InTheDialectOfThePath()
    {
        var key = Key("alice", out string secret);
        await using var host = await StartAsync(key, Key("old", out string expired) with { Expires = DateTimeOffset.UtcNow.AddMinutes(-1) });
        string[] wrong = ["", "none", secret[..^1] + (secret[^1] == '0' ? '1' : '0'), secret + "0", ApiKey.New("alice", default, out _).Id, expired, new string('x', 5000)];
        foreach (string presented in wrong)
        {
            using var refused = await SendAsync(host, Api.Body(), request => request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {presented}"));
            Assert.Equal("invalid_api_key", (string?)(await refused.ErrorAsync(HttpStatusCode.Unauthorized))["code"]);
            Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.Single().Scheme);
        }
        var anthropic = await host.Http.GetJsonAsync("/v1/messages", HttpStatusCode.Unauthorized);
        Assert.Equal("authentication_error", (string?)anthropic["error"]!["type"]);
        Assert.StartsWith("req_", (string?)anthropic["request_id"]);
        Assert.Contains("API key", (string?)(await host.Http.GetJsonAsync("/api/tags", HttpStatusCode.Unauthorized))["error"]);
    }

    [Fact]
    public async Task Key_NotNeeded_ForPageAndHealth()
    {
        await using var host = await StartAsync(Key("alice", out _));
        foreach (string open in new[] { "/", "/assets/chat.js", "/health/live", "/health/ready" })
        {
            using var response = await host.Http.GetAsync(new Uri(open, UriKind.Relative), Cancellation);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
        await host.Http.GetJsonAsync("/v1/models", HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Key_ForMetricsOnly_403AndNamesItsScopes()
    {
        await using var host = await StartAsync(Key("prometheus", out string secret) with { Scopes = [KeyScopes.Metrics] });
        using var refused = await AskAsync(host, secret);
        var error = await refused.ErrorAsync(HttpStatusCode.Forbidden);
        Assert.Equal("insufficient_scope", (string?)error["code"]);
        Assert.Contains(KeyScopes.Metrics, (string?)error["message"]);
    }

    [Fact]
    public async Task Requests_PastTheLimit_429UntilTheyRefill()
    {
        await using var host = await StartAsync(Key("alice", out string secret) with { Limits = new() { RequestsPerMinute = 2 } }, Key("bob", out string other));
        foreach (string left in new[] { "1", "0" })
        {
            using var response = await AskAsync(host, secret);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(("2", left), (Header(response, "x-ratelimit-limit-requests"), Header(response, "x-ratelimit-remaining-requests")));
        }
        using var refused = await AskAsync(host, secret);
        Assert.Equal("rate_limit_exceeded", (string?)(await refused.ErrorAsync(HttpStatusCode.TooManyRequests))["code"]);
        Assert.Equal("0", Header(refused, "x-ratelimit-remaining-requests"));
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 30);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, other)).StatusCode);
        time.Pass(refused.Headers.RetryAfter.Delta.Value);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, secret)).StatusCode);
    }

    [Fact]
    public async Task Tokens_PastTheQuota_429UntilTheDebtIsWorkedOff()
    {
        await using var host = await StartAsync(Key("alice", out string secret) with { Limits = new() { TokensPerDay = 20 } });
        using var first = await AskAsync(host, secret, "\"max_tokens\":30");
        int used = (int)(await first.JsonAsync())["usage"]!["total_tokens"]!;
        Assert.True(used > 20);
        using var refused = await AskAsync(host, secret);
        Assert.Equal("insufficient_quota", (string?)(await refused.ErrorAsync(HttpStatusCode.TooManyRequests))["code"]);
        var wait = refused.Headers.RetryAfter!.Delta!.Value;
        Assert.InRange(wait.TotalHours, (used - 20) * 24 / 20d, ((used - 19) * 24 / 20d) + 0.01);
        time.Pass(wait);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, secret)).StatusCode);
    }

    [Theory]
    [InlineData(SharedGateway.Quick, true)]
    [InlineData(SharedGateway.Slow, false)]
    public async Task Tokens_OfAConversation_AreChargedWhetherItsClientStaysOrNot(string model, bool stays)
    {
        const int Quota = 10_000, Answer = 30;
        await using var host = await StartAsync(Key("alice", out string secret) with { Limits = new() { TokensPerDay = Quota } });
        var (id, before) = await CreateAsync();
        Assert.Equal(Quota, before);
        string body = $$"""{"model":"{{model}}","content":"Hi","max_tokens":{{Answer}},"stream":{{(stays ? "false" : "true")}}}""";
        using (var posted = await SendAsync(host, body, Bearer(secret), HttpCompletionOption.ResponseHeadersRead, $"/v1/conversations/{id}/messages"))
        {
            Assert.Equal(HttpStatusCode.OK, posted.StatusCode);
            if (stays)
                await posted.Content.LoadIntoBufferAsync(Cancellation);
        }
        using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while ((await CreateAsync()).Left >= Quota - Answer) // the prompt is charged as well
            await often.WaitForNextTickAsync(Cancellation);

        async Task<(string Id, int Left)> CreateAsync()
        {
            using var created = await SendAsync(host, "{}", Bearer(secret), path: "/v1/conversations");
            return ((string)(await created.JsonAsync())["id"]!, int.Parse(Header(created, "x-ratelimit-remaining-tokens-day")!, CultureInfo.InvariantCulture));
        }
    }

    [Fact]
    public async Task Concurrent_OneRuns_NextIs429UntilItEnds()
    {
        await using var host = await StartAsync(Key("alice", out string secret) with { Limits = new() { Concurrent = 1 } });
        using (var running = await SendAsync(host, Api.Body("\"stream\":true", SharedGateway.Slow), Bearer(secret), HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.Equal(HttpStatusCode.OK, running.StatusCode);
            using var refused = await AskAsync(host, secret);
            Assert.Equal("rate_limit_exceeded", (string?)(await refused.ErrorAsync(HttpStatusCode.TooManyRequests))["code"]);
        }
        using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while ((await AskAsync(host, secret)).StatusCode != HttpStatusCode.OK)
            await often.WaitForNextTickAsync(Cancellation);
    }

    [Fact]
    public async Task Requests_AtTwoGateways_CountTogether()
    {
        await using var host = await StartAsync(Key("alice", out string secret) with { Limits = new() { RequestsPerMinute = 6, TokensPerDay = 1000 } });
        await using var second = await StartAsync(host);
        for (int i = 0; i < 3; i++)
            Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, secret)).StatusCode);
        // the others hear of it within a part of a second, and then leave off where the first did
        int taken = 0;
        using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(400));
        string? left;
        do
        {
            using var response = await AskAsync(second, secret);
            taken += response.StatusCode == HttpStatusCode.OK ? 1 : 0;
            left = Header(response, "x-ratelimit-remaining-requests");
        }
        while (left != "0" && await often.WaitForNextTickAsync(Cancellation));
        Assert.InRange(taken, 1, 3);
        using var refused = await AskAsync(second, secret);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.InRange(int.Parse(Header(refused, "x-ratelimit-remaining-tokens-day")!, CultureInfo.InvariantCulture), 1, 1000 - (5 * 4));
    }

    [Fact]
    public async Task Concurrent_RunsAtAnotherGateway_429UntilThatOneIsGone()
    {
        await using var host = await StartAsync(Key("alice", out string secret) with { Limits = new() { Concurrent = 1 } });
        var second = await StartAsync(host); // disposed below
        using (var running = await SendAsync(second, Api.Body("\"stream\":true", SharedGateway.Slow), Bearer(secret), HttpCompletionOption.ResponseHeadersRead))
        {
            Assert.Equal(HttpStatusCode.OK, running.StatusCode);
            await UntilAsync(host, HttpStatusCode.TooManyRequests);
            await second.DisposeAsync();
        }
        await UntilAsync(host, HttpStatusCode.OK);

        async Task UntilAsync(GatewayHost gateway, HttpStatusCode expected)
        {
            using var often = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            while ((await AskAsync(gateway, secret)).StatusCode != expected)
                await often.WaitForNextTickAsync(Cancellation);
        }
    }

    [Fact]
    public async Task File_Changes_CountAtOnceAndAHalfWrittenOneDoesNot()
    {
        await using var host = await StartAsync(Key("alice", out string alice));
        KeyFile.Write(KeysFile, [Key("bob", out string bob)]);
        time.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(HttpStatusCode.Unauthorized, (await AskAsync(host, alice)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, bob)).StatusCode);
        await File.WriteAllTextAsync(KeysFile, "{\"keys\":[", Cancellation);
        time.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(host, bob)).StatusCode);
    }

    [Theory]
    [InlineData("", "no file of keys")]
    [InlineData("[]", "no file of keys")]
    [InlineData("{}", "no file of keys")]
    [InlineData("""{"keys":null}""", "no file of keys")]
    [InlineData("""{"keys":[{"id":"0123456789ab","name":"a","hash":"HASH","admin":true}]}""", "admin")]
    [InlineData("""{"keys":[{"id":"../../../etc","name":"a","hash":"HASH"}]}""", "id of a key")]
    [InlineData("""{"keys":[{"id":"0123456789ab","name":"","hash":"HASH"}]}""", "name")]
    [InlineData("""{"keys":[{"id":"0123456789ab","name":"a","hash":"00"}]}""", "SHA-256")]
    [InlineData("""{"keys":[{"id":"0123456789ab","name":"a","hash":"HASH","scopes":["root"]}]}""", "no scope 'root'")]
    [InlineData("""{"keys":[{"id":"0123456789ab","name":"a","hash":"HASH","limits":{"concurrent":0}}]}""", "concurrent must be at least 1")]
    [InlineData("""{"keys":[{"id":"0123456789ab","name":"a","hash":"HASH"},{"id":"0123456789ab","name":"b","hash":"HASH"}]}""", "two keys have the id")]
    public void File_Wrong_IsRefusedWithTheReason(string text, string reason)
    {
        File.WriteAllText(KeysFile, text.Replace("HASH", new string('0', 64)));
        Assert.Contains(reason, Assert.Throws<InvalidDataException>(() => KeyFile.Read(KeysFile)).Message);
    }

    [Fact]
    public void File_Written_HasNoSecretAndIsItsOwnersOnly()
    {
        KeyFile.Write(KeysFile, [Key("alice", out string secret)]);
        Assert.DoesNotContain(secret[^64..], File.ReadAllText(KeysFile));
        Assert.True(KeyFile.Read(KeysFile).Single().Is(secret));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeysFile));
        Assert.Single(Directory.GetFileSystemEntries(folder));
    }

    [Theory]
    [InlineData(false, HttpStatusCode.Forbidden)]
    [InlineData(true, HttpStatusCode.OK)]
    public async Task NoKeys_BoundBeyondThisMachine_AnswersOnlyIfOpen(bool open, HttpStatusCode expected)
    {
        await using var host = await GatewayHost.StartAsync("http://0.0.0.0:0", options => options.Open = open, Stub());
        await host.ReadyAsync();
        using var response = await host.Http.GetAsync(new Uri("/v1/models", UriKind.Relative), Cancellation);
        Assert.Equal(expected, response.StatusCode);
        if (!open)
            Assert.Equal("keys_required", (string?)(await response.ErrorAsync(expected))["code"]);
    }

    private static ApiKey Key(string name, out string secret) => ApiKey.New(name, DateTimeOffset.UtcNow, out secret);

    private async Task<GatewayHost> StartAsync(params ApiKey[] keys)
    {
        KeyFile.Write(KeysFile, keys);
        var host = await GatewayHost.StartAsync(options => options.KeysFile = KeysFile, time, Stub(), Slow());
        await host.ReadyAsync();
        return host;
    }

    /// <summary>A second gateway, with the same keys.</summary>
    private async Task<GatewayHost> StartAsync(GatewayHost first)
    {
        var host = await GatewayHost.StartAsync(first, options => options.KeysFile = KeysFile, time, Stub(), Slow());
        await host.ReadyAsync();
        return host;
    }

    private static ModelSource Slow() => new(SharedGateway.Slow, ModelKind.Stub, (_, _) => new StubChatModel(new StubOptions
    {
        Id = SharedGateway.Slow,
        Text = new string('x', 8000),
        TokenInterval = TimeSpan.FromMilliseconds(5),
    }, TimeProvider.System));

    private static ModelSource Stub() => new(SharedGateway.Quick, ModelKind.Stub, (_, _) => new StubChatModel(SharedGateway.QuickOptions, TimeProvider.System));

    private static Task<HttpResponseMessage> AskAsync(GatewayHost host, string secret, string fields = "\"max_tokens\":2") =>
        SendAsync(host, Api.Body(fields), Bearer(secret));

    private static Action<HttpRequestMessage> Bearer(string secret) => request => request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", secret);

    private static Task<HttpResponseMessage> SendAsync(GatewayHost host, string body, Action<HttpRequestMessage> sign,
        HttpCompletionOption completion = HttpCompletionOption.ResponseContentRead, string path = Api.Chat)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = Api.Json(Encoding.UTF8.GetBytes(body)) };
        sign(request);
        return host.Http.SendAsync(request, completion, Cancellation);
    }

    private static string? Header(HttpResponseMessage response, string name) => response.Headers.TryGetValues(name, out var values) ? values.Single() : null;

    /// <summary>The system's clock, and leaps ahead.</summary>
    private sealed class ShiftedTime : TimeProvider
    {
        private long shift;

        public void Pass(TimeSpan span) => Interlocked.Add(ref shift, span.Ticks);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => (long)(System.GetElapsedTime(0).Ticks + Interlocked.Read(ref shift));

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref shift));
    }
}
