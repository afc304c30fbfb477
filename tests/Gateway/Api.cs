using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace SmolCluster.Gateway.Tests;

/// <summary>Requests and answers as a client of the API writes and reads them.</summary>
internal static class Api
{
    public const string Chat = "/v1/chat/completions";

    /// <param name="fields">More fields of the request, as JSON without braces.</param>
    public static string Body(string fields = "", string model = SharedGateway.Quick) =>
        $$"""{"model":"{{model}}","messages":[{"role":"user","content":"Hi"}]{{(fields.Length > 0 ? "," : "")}}{{fields}}}""";

    public static Task<HttpResponseMessage> PostAsync(this HttpClient http, string body, string contentType = "application/json", string path = Chat) =>
        http.PostAsync(new Uri(path, UriKind.Relative), Json(Encoding.UTF8.GetBytes(body), contentType), TestContext.Current.CancellationToken);

    public static ByteArrayContent Json(byte[] body, string contentType = "application/json")
    {
        var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return content;
    }

    public static async Task<JsonNode> JsonAsync(this HttpResponseMessage response) =>
        JsonNode.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;

    public static async Task<JsonNode> GetJsonAsync(this HttpClient http, string path, HttpStatusCode expected = HttpStatusCode.OK)
    {
        using var response = await http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(expected, response.StatusCode);
        return await response.JsonAsync();
    }

    /// <summary>The error of a response, whose four fields are checked to be there.</summary>
    public static async Task<JsonObject> ErrorAsync(this HttpResponseMessage response, HttpStatusCode expected)
    {
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == expected, $"{(int)response.StatusCode} instead of {(int)expected}: {text}");
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        var error = JsonNode.Parse(text)!["error"]!.AsObject();
        Assert.Equal(["message", "type", "param", "code"], error.Select(field => field.Key));
        Assert.NotEmpty((string)error["message"]!);
        return error;
    }

    public sealed record Event(string? Id, string Data);

    /// <summary>A whole stream, event by event.</summary>
    public static async Task<List<Event>> EventsAsync(this HttpResponseMessage response)
    {
        string text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.EndsWith("\n\n", text);
        return [.. text[..^2].Split("\n\n").Select(Parse)];
    }

    private static Event Parse(string block)
    {
        var fields = block.Split('\n').Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.All(fields.Keys, name => Assert.Contains(name, new[] { "id", "data" }));
        return new(fields.GetValueOrDefault("id"), fields["data"]);
    }
}
