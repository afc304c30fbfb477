using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;

namespace SmolCluster.Gateway.Tests;

public sealed partial class PageTests(SharedGateway gateway)
{
    [Theory]
    [InlineData("/")]
    [InlineData("/cluster")]
    public async Task Page_Any_StrictPolicyAndOwnFilesOnly(string path)
    {
        using var page = await gateway.Http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        string policy = page.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'none'", policy);
        Assert.DoesNotContain("unsafe", policy);
        string html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var files = FileInPage().Matches(html).Select(match => match.Groups[1].Value).Distinct().Where(file => file.StartsWith("/assets/", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(files);
        Assert.DoesNotMatch("style=|<style|onclick=|<script>", html);
        foreach (string file in files)
        {
            using var response = await gateway.Http.GetAsync(new Uri(file, UriKind.Relative), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }
    }

    [Fact]
    public async Task Page_SameVersionAgain_304()
    {
        using var first = await gateway.Http.GetAsync(new Uri("/assets/surfaces.css", UriKind.Relative), TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/assets/surfaces.css");
        request.Headers.IfNoneMatch.Add(new EntityTagHeaderValue(first.Headers.ETag!.Tag));
        using var again = await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
    }

    [Fact]
    public void Assets_Anywhere_LoadNothingFromElsewhereAndBuildNoHtml()
    {
        string[] links = ["http://www.w3.org/2000/svg", "https://huggingface.co/ggml-org/SmolLM3-3B-GGUF"];
        foreach (string file in Directory.GetFiles(Path.Combine(Repository.Root, "client", "Gateway", "Page", "assets")))
        {
            string text = File.ReadAllText(file);
            Assert.All(Address().Matches(text).Select(match => match.Value), address => Assert.Contains(address, links));
            Assert.DoesNotMatch("innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\(|new Function", text);
        }
    }

    [GeneratedRegex("(?:src|href)=\"([^\"]+)\"")]
    private static partial Regex FileInPage();

    [GeneratedRegex(@"https?://[\w.-][\w./-]*")]
    private static partial Regex Address();
}
