using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace SmolCluster.Gateway.Tests;

/// <summary>/v1/conversations over HTTP.</summary>
public sealed class ConversationTests(SharedGateway gateway)
{
    private const string Path = "/v1/conversations";

    [Fact]
    public async Task Post_Streamed_HasConsecutiveIdsAndIsKept()
    {
        string id = await CreateAsync("ann");
        using var response = await SendAsync(HttpMethod.Post, $"{Path}/{id}/messages", "ann", Message("\"max_tokens\":9"));
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var events = await ReadAsync(response);
        Assert.Equal(Enumerable.Range(1, events.Count).Select(number => $"{number}"), events.Select(told => told.Id));
        Assert.Equal(("started", "prefill", "finished"), ((string)events[0].Data["type"]!, (string)events[1].Data["type"]!, (string)events[^1].Data["type"]!));
        Assert.Equal(("length", 9), ((string)events[^1].Data["reason"]!, (int)events[^1].Data["completion_tokens"]!));

        var kept = await JsonAsync(HttpMethod.Get, $"{Path}/{id}", "ann");
        Assert.Equal(["Hi", SharedGateway.QuickText[..9]], kept["messages"]!.AsArray().Select(message => (string)message!["content"]!));
        Assert.Equal(("Hi", 2, "length"), ((string)kept["title"]!, (int)kept["head"]!, (string)kept["messages"]![1]!["answer"]!["finish_reason"]!));
    }

    [Fact]
    public async Task Events_AfterEachId_GivesTheRest()
    {
        string id = await CreateAsync("ann");
        using var response = await SendAsync(HttpMethod.Post, $"{Path}/{id}/messages", "ann", Message());
        var whole = await ReadAsync(response);
        for (int after = 0; after <= whole.Count; after += 5)
        {
            using var rest = await SendAsync(HttpMethod.Get, $"{Path}/{id}/messages/2/events", "ann", null, ("Last-Event-ID", $"{after}"));
            Assert.Equal(whole.Skip(Math.Min(after, whole.Count - 1)).Select(told => (told.Id, told.Data.ToJsonString())),
                (await ReadAsync(rest)).Select(told => (told.Id, told.Data.ToJsonString())));
        }
    }

    [Fact]
    public async Task Post_ClientLeaves_TheAnswerGoesOn()
    {
        string id = await CreateAsync("ann");
        using (var request = Request(HttpMethod.Post, $"{Path}/{id}/messages", "ann", Message(model: SharedGateway.Slow)))
        using (var response = await gateway.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var busy = await SendAsync(HttpMethod.Post, $"{Path}/{id}/messages", "ann", Message());
        Assert.Equal("conversation_busy", (string)(await busy.ErrorAsync(HttpStatusCode.Conflict))["code"]!);
        var stopped = await JsonAsync(HttpMethod.Post, $"{Path}/{id}/stop", "ann", "{}");
        using var events = await SendAsync(HttpMethod.Get, $"{Path}/{id}/messages/2/events", "ann");
        Assert.Equal("stopped", (string)(await ReadAsync(events))[^1].Data["reason"]!);
        Assert.NotNull(stopped);
    }

    [Fact]
    public async Task Post_NotStreamed_AnswersWithTheConversation()
    {
        string id = await CreateAsync("ann");
        var read = await JsonAsync(HttpMethod.Post, $"{Path}/{id}/messages", "ann", Message("\"stream\":false,\"seed\":5,\"system\":\"Be kind.\""));
        Assert.Equal((SharedGateway.QuickText, "5", "Be kind."),
            ((string)read["messages"]![1]!["content"]!, (string)read["messages"]![1]!["answer"]!["seed"]!, (string)read["system"]!));
    }

    [Fact]
    public async Task EditRegenerateForkContinue_OverHttp_DoWhatTheySay()
    {
        string id = await CreateAsync("ann");
        await JsonAsync(HttpMethod.Post, $"{Path}/{id}/messages", "ann", Message("\"stream\":false,\"max_tokens\":5"));
        var whole = await JsonAsync(HttpMethod.Post, $"{Path}/{id}/messages/2/continue", "ann", "{\"stream\":false}");
        Assert.Equal(SharedGateway.QuickText, (string)whole["messages"]![1]!["content"]!);
        var again = await JsonAsync(HttpMethod.Post, $"{Path}/{id}/messages", "ann", $$"""{"model":"{{SharedGateway.Quick}}","parent":1,"stream":false}""");
        Assert.Equal([2, 3], again["messages"]![1]!["siblings"]!.AsArray().Select(sibling => (int)sibling!));
        var edited = await JsonAsync(HttpMethod.Post, $"{Path}/{id}/messages", "ann", Message("\"parent\":0,\"stream\":false", "Other"));
        Assert.Equal((5, "Other"), ((int)edited["head"]!, (string)edited["messages"]![0]!["content"]!));
        Assert.Equal(3, (int)(await JsonAsync(HttpMethod.Post, $"{Path}/{id}", "ann", "{\"head\":1}"))["head"]!);
        var fork = await JsonAsync(HttpMethod.Post, $"{Path}/{id}/fork", "ann", "{\"message\":3,\"title\":\"Fork\"}", HttpStatusCode.Created);
        Assert.Equal(("Fork", 2), ((string)fork["title"]!, fork["messages"]!.AsArray().Count));
    }

    [Fact]
    public async Task List_OwnersOnes_PagesAndSearches()
    {
        foreach (string title in new[] { "apples", "pears", "plums" })
            await JsonAsync(HttpMethod.Post, Path, "lister", $$"""{"title":"{{title}}"}""", HttpStatusCode.Created);
        var page = await JsonAsync(HttpMethod.Get, $"{Path}?limit=2", "lister");
        Assert.Equal((2, true, 3), (page["data"]!.AsArray().Count, (bool)page["has_more"]!, (int)page["total"]!));
        var rest = await JsonAsync(HttpMethod.Get, $"{Path}?limit=2&after={page["last_id"]}", "lister");
        Assert.Equal(["apples"], rest["data"]!.AsArray().Select(entry => (string)entry!["title"]!));
        Assert.Equal(1, (int)(await JsonAsync(HttpMethod.Get, $"{Path}?search=PEAR", "lister"))["total"]!);
        Assert.Equal(0, (int)(await JsonAsync(HttpMethod.Get, Path, "somebody else"))["total"]!);
    }

    [Fact]
    public async Task Export_BothFormats_HaveTheBranch()
    {
        string id = await CreateAsync("ann", "{\"title\":\"Ünï\",\"system\":\"Be kind.\"}");
        await JsonAsync(HttpMethod.Post, $"{Path}/{id}/messages", "ann", Message("\"stream\":false,\"system\":\"Be kind.\""));
        using var markdown = await SendAsync(HttpMethod.Get, $"{Path}/{id}/export", "ann");
        string text = await markdown.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("# Ünï\n", text, StringComparison.Ordinal);
        Assert.Contains($"> Be kind.\n\n**You**\n\nHi\n\n**{SharedGateway.Quick}**\n\n{SharedGateway.QuickText}\n", text, StringComparison.Ordinal);
        Assert.Equal("Ünï", (string)(await JsonAsync(HttpMethod.Get, $"{Path}/{id}/export?format=json", "ann"))["title"]!);
    }

    [Fact]
    public async Task AnyCall_AnotherUser_Is404()
    {
        string id = await CreateAsync("ann");
        await JsonAsync(HttpMethod.Post, $"{Path}/{id}/messages", "ann", Message("\"stream\":false"));
        (HttpMethod Method, string Path, string? Body)[] calls =
        [
            (HttpMethod.Get, "", null), (HttpMethod.Post, "", "{}"), (HttpMethod.Delete, "", null), (HttpMethod.Post, "/fork", "{\"message\":1}"), (HttpMethod.Get, "/export", null),
            (HttpMethod.Post, "/messages", Message()), (HttpMethod.Post, "/stop", "{}"), (HttpMethod.Get, "/messages/2/events", null), (HttpMethod.Post, "/messages/2/continue", "{}"),
        ];
        foreach (var (method, path, body) in calls)
        {
            using var response = await SendAsync(method, $"{Path}/{id}{path}", "bob", body);
            Assert.Equal("conversation_not_found", (string)(await response.ErrorAsync(HttpStatusCode.NotFound))["code"]!);
        }
        await JsonAsync(HttpMethod.Delete, $"{Path}/{id}", "ann");
        using var gone = await SendAsync(HttpMethod.Get, $"{Path}/{id}", "ann");
        await gone.ErrorAsync(HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("""{"model":"stub"}""", "content", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"stub","content":" "}""", "content", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"stub","content":"x","messages":[]}""", "messages", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"stub","content":"x","tools":[{}]}""", "tools", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"stub","content":"x","temperature":9}""", "temperature", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"stub","content":"x","nonsense":1}""", "nonsense", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"stub","content":"x","parent":-1}""", "parent", HttpStatusCode.BadRequest)]
    [InlineData("""{"model":"stub","content":"x","parent":9}""", null, HttpStatusCode.NotFound)]
    [InlineData("""{"model":"none","content":"x"}""", "model", HttpStatusCode.NotFound)]
    public async Task Post_Wrong_IsRefusedAndNothingIsKept(string body, string? field, HttpStatusCode expected)
    {
        string id = await CreateAsync("ann");
        using var response = await SendAsync(HttpMethod.Post, $"{Path}/{id}/messages", "ann", body);
        Assert.Equal(field, (string?)(await response.ErrorAsync(expected))["param"]);
        Assert.Empty((await JsonAsync(HttpMethod.Get, $"{Path}/{id}", "ann"))["messages"]!.AsArray());
    }

    [Theory]
    [InlineData("GET", "/nonsense", HttpStatusCode.NotFound)]
    [InlineData("GET", "?limit=0", HttpStatusCode.BadRequest)]
    [InlineData("GET", "?limit=x", HttpStatusCode.BadRequest)]
    [InlineData("POST", "", HttpStatusCode.BadRequest)]
    public async Task Call_Wrong_IsAHelpfulError(string method, string path, HttpStatusCode expected)
    {
        using var response = await SendAsync(new(method), Path + path, "ann", method == "POST" ? "{\"nonsense\":1}" : null);
        await response.ErrorAsync(expected);
    }

    [Fact]
    public async Task User_TooLongOrWithControls_IsRefused()
    {
        foreach (string name in new[] { new string('x', 65), "a%0Ab" })
        {
            using var response = await SendAsync(HttpMethod.Get, Path, name);
            await response.ErrorAsync(HttpStatusCode.BadRequest);
        }
    }

    private static string Message(string fields = "", string content = "Hi", string model = SharedGateway.Quick) =>
        $$"""{"model":"{{model}}","content":"{{content}}"{{(fields.Length > 0 ? "," : "")}}{{fields}}}""";

    private async Task<string> CreateAsync(string user, string body = "{}") => (string)(await JsonAsync(HttpMethod.Post, Path, user, body, HttpStatusCode.Created))["id"]!;

    private async Task<JsonNode> JsonAsync(HttpMethod method, string path, string user, string? body = null, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using var response = await SendAsync(method, path, user, body);
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == expected, $"{(int)response.StatusCode}: {text}");
        return JsonNode.Parse(text)!;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string user, string? body = null, params (string Name, string Value)[] headers)
    {
        using var request = Request(method, path, user, body);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static HttpRequestMessage Request(HttpMethod method, string path, string user, string? body)
    {
        var request = new HttpRequestMessage(method, path) { Content = body is null ? null : Api.Json(Encoding.UTF8.GetBytes(body)) };
        request.Headers.TryAddWithoutValidation("X-SmolCluster-User", user);
        return request;
    }

    private static async Task<List<(string? Id, JsonNode Data)>> ReadAsync(HttpResponseMessage response)
    {
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return [.. text.TrimEnd().Split("\n\n").Select(block => block.Split('\n')).Where(lines => lines.Any(line => line.StartsWith("data: ", StringComparison.Ordinal)))
            .Select(lines => (lines.FirstOrDefault(line => line.StartsWith("id: ", StringComparison.Ordinal))?[4..],
                JsonNode.Parse(lines.Single(line => line.StartsWith("data: ", StringComparison.Ordinal))[6..])!))];
    }
}
