using System.Net;
using System.Text;

namespace SmolCluster.Gateway.Tests;

public sealed class TransportTests(SharedGateway gateway)
{
    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("")]
    public async Task Chat_OtherContentType_415(string contentType)
    {
        using var response = await gateway.Http.PostAsync(Api.Body(), contentType);
        Assert.Equal("unsupported_media_type", (string?)(await response.ErrorAsync(HttpStatusCode.UnsupportedMediaType))["code"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Chat_BodyTooLong_413(bool lengthKnown)
    {
        byte[] body = Encoding.UTF8.GetBytes(Api.Body($"\"user\":\"{new string('x', 4 * 1024 * 1024)}\""));
        using var request = new HttpRequestMessage(HttpMethod.Post, Api.Chat) { Content = Api.Json(body) };
        request.Headers.TransferEncodingChunked = !lengthKnown;
        using var response = await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal("request_too_large", (string?)(await response.ErrorAsync(HttpStatusCode.RequestEntityTooLarge))["code"]);
    }

    [Fact]
    public async Task Chat_TooDeep_400()
    {
        string deep = string.Concat(Enumerable.Repeat("[", 100)) + string.Concat(Enumerable.Repeat("]", 100));
        using var response = await gateway.Http.PostAsync(Api.Body($"\"metadata\":{deep}"));
        Assert.Equal("invalid_json", (string?)(await response.ErrorAsync(HttpStatusCode.BadRequest))["code"]);
    }

    [Fact]
    public async Task Chat_InvalidUtf8_400()
    {
        byte[] body = Encoding.UTF8.GetBytes(Api.Body("\"user\":\"?\""));
        body[Array.IndexOf(body, (byte)'?')] = 0xff;
        using var content = Api.Json(body);
        using var response = await gateway.Http.PostAsync(new Uri(Api.Chat, UriKind.Relative), content, TestContext.Current.CancellationToken);
        Assert.Equal("invalid_json", (string?)(await response.ErrorAsync(HttpStatusCode.BadRequest))["code"]);
    }

    [Theory]
    [InlineData("GET", "/v1/chat/completions", HttpStatusCode.MethodNotAllowed, "method_not_allowed")]
    [InlineData("DELETE", "/v1/models", HttpStatusCode.MethodNotAllowed, "method_not_allowed")]
    [InlineData("POST", "/v1/edits", HttpStatusCode.NotFound, "unknown_url")]
    [InlineData("GET", "/v1", HttpStatusCode.NotFound, "unknown_url")]
    [InlineData("GET", "/v1/models/../../etc/passwd", HttpStatusCode.NotFound, "unknown_url")]
    public async Task Route_NotThere_ErrorInOpenAiShape(string method, string path, HttpStatusCode status, string code)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var response = await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(code, (string?)(await response.ErrorAsync(status))["code"]);
    }
}
