using System.Net;
using System.Text;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Gateway.Tests;

/// <summary>On a gateway of its own, because it counts the answers that run.</summary>
public sealed class DisconnectTests
{
    [Theory]
    [InlineData("\"stream\":true")]
    [InlineData("\"stream\":false")]
    public async Task Chat_ClientLeaves_AnswerStopsAndFreesItsPlace(string fields)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var model = new StubChatModel(new StubOptions { Text = new string('x', 8000), TokenInterval = TimeSpan.FromMilliseconds(5) },
            TimeProvider.System);
        await using var host = await GatewayHost.StartAsync(new ModelSource("stub", ModelKind.Stub, (_, _) => model));
        await host.ReadyAsync();
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Post, Api.Chat) { Content = Api.Json(Encoding.UTF8.GetBytes(Api.Body(fields))) };
        var leaves = ReadAsync(host.Http, request, leaving.Token);
        while (model.ActiveGenerations == 0 && !leaves.IsCompleted)
            await Task.Yield();
        await leaving.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaves);
        await model.WhenIdle().WaitAsync(TimeSpan.FromSeconds(10), cancellation);
        Assert.Equal(0, model.ActiveGenerations);
        Assert.Equal(HttpStatusCode.OK, (await host.Http.PostAsync(Api.Body("\"max_tokens\":2"))).StatusCode);
    }

    private static async Task ReadAsync(HttpClient http, HttpRequestMessage request, CancellationToken cancellation)
    {
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        await response.Content.ReadAsStringAsync(cancellation);
    }
}
