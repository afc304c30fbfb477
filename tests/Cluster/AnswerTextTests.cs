using System.Text;
using SmolCluster.Answering;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Cluster.Tests;

/// <summary>How an answer is parted: the stub's tokens are bytes, so every mark arrives in as many pieces as it can.</summary>
public sealed class AnswerTextTests
{
    private const string Call = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>";

    private static readonly AnswerReading s_tools = new([], 10_000, Tools: true);

    [Theory]
    [InlineData("<think>\nHm.\nYes.\n</think>\n\nHello.", "Hm.\nYes.", "Hello.")]
    [InlineData("<think></think>Hello.", "", "Hello.")]
    [InlineData("<think>\n\n</think>\n Hello. ", "", "Hello. ")]
    [InlineData("\n<think>Hm.", "Hm.", "")]
    [InlineData("Write <think> and </think>.", "", "Write <think> and </think>.")]
    [InlineData("<thinking>", "", "<thinking>")]
    [InlineData("  <thi", "", "  <thi")]
    [InlineData("<think>a < b </thin k></think>c", "a < b </thin k>", "c")]
    [InlineData("<think>a</think><think>b</think>", "a", "<think>b</think>")]
    public void Take_Reasoning_IsNeverText(string answer, string reasoning, string text)
    {
        var (parts, reason) = Read(answer, s_tools);
        Assert.Equal(reasoning, Join(parts, PartKind.Reasoning));
        Assert.Equal(text, Join(parts, PartKind.Text));
        Assert.Equal("stop", reason);
    }

    [Fact]
    public void Take_PromptBeganReasoning_IsReasoningFromTheFirstToken()
    {
        var (parts, _) = Read("Hm.\n</think>Hello", s_tools with { Reasoning = true });
        Assert.Equal(("Hm.", "Hello"), (Join(parts, PartKind.Reasoning), Join(parts, PartKind.Text)));
    }

    [Fact]
    public void Take_Call_NameOnceThenArgumentsAsTheyCome()
    {
        var (parts, reason) = Read($"<think>Hm</think>I look.\n{Call}\n", s_tools);
        Assert.Equal("I look.", Join(parts, PartKind.Text));
        var call = parts.Where(part => part.Kind == PartKind.Call).ToList();
        Assert.Equal("get_weather", call[0].Name);
        Assert.All(call[1..], part => Assert.Null(part.Name));
        Assert.Equal("""{"city": "Paris"}""", Join(parts, PartKind.Call));
        Assert.Equal("""{"city": "Paris"}""".Length, call.Count);
        Assert.Equal("tool_calls", reason);
    }

    [Theory]
    [InlineData("{\"arguments\": {\"a\": [1]}, \"name\": \"f\"}", "{\"a\": [1]}")]
    [InlineData("{\"name\": \"f\"}", "{}")]
    [InlineData("{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1}\"}", "{\"a\": 1}")]
    [InlineData("{\"name\": \"f\", \"arguments\": {\"a\": \"</tool_call>\\\"}\"}}", "{\"a\": \"</tool_call>\\\"}\"}")]
    [InlineData("{\"name\":\"\\u0066\",\"arguments\":{\"a\":{}}, \"more\": {}}", "{\"a\":{}}")]
    public void Take_CallOfAnyShape_IsACall(string json, string arguments)
    {
        var (parts, reason) = Read($"<tool_call>{json}</tool_call>", s_tools);
        Assert.Equal(("f", arguments, ""), (parts.Single(part => part.Name is not null).Name, Join(parts, PartKind.Call), Join(parts, PartKind.Text)));
        Assert.Equal("tool_calls", reason);
    }

    [Theory]
    [InlineData("<tool_call>get_weather</tool_call>")]
    [InlineData("<tool_call>{\"name\": 5, \"arguments\": {}}</tool_call> and more")]
    [InlineData("<tool_call>[]</tool_call>")]
    [InlineData("<tool_call>{\"name\": \"f\", ")]
    [InlineData("<tool_call></tool_call>")]
    public void Take_NoCallBetweenTheMarks_IsText(string answer)
    {
        var (parts, reason) = Read(answer, s_tools);
        Assert.Equal(answer.Replace("</tool_call> ", "</tool_call>"), Join(parts, PartKind.Text));
        Assert.Equal("stop", reason);
    }

    [Fact]
    public void Take_SeveralCalls_AreCountedUnlessOneIsAllowed()
    {
        var (parts, _) = Read($"{Call}\n{Call}done", s_tools);
        Assert.Equal([0, 1], parts.Where(part => part.Name is not null).Select(part => part.Call));
        Assert.Equal("done", Join(parts, PartKind.Text));
        (parts, string? reason) = Read($"{Call}\n{Call}", s_tools with { OneCall = true });
        Assert.Equal((1, "tool_calls"), (parts.Count(part => part.Name is not null), reason));
    }

    [Fact]
    public void Take_NoTools_CallsAreText() => Assert.Equal(Call, Join(Read(Call, s_tools with { Tools = false }).Parts, PartKind.Text));

    [Fact]
    public void Take_StopStrings_LookAtTextOnly()
    {
        var (parts, reason) = Read($"<think>END</think>a{Call}b ENDc", s_tools with { Stops = ["END", "Paris", "ab"] });
        Assert.Equal(("END", "ab ", "stop"), (Join(parts, PartKind.Reasoning), Join(parts, PartKind.Text), reason));
        Assert.Equal("""{"city": "Paris"}""", Join(parts, PartKind.Call));
    }

    [Theory]
    [InlineData("<think>Hm")]
    [InlineData("<tool_call>{\"name\": \"f\", \"arguments\": {\"a")]
    [InlineData("text \n <tool")]
    public void End_InTheMiddle_NothingIsLost(string answer)
    {
        var (parts, reason) = Read(answer, s_tools with { MaxTokens = answer.Length });
        string all = string.Concat(parts.Select(part => part.Text));
        Assert.Equal(("length", answer.Length), (reason, answer.IndexOf(all, StringComparison.Ordinal) + all.Length));
    }

    private static string Join(IEnumerable<AnswerPart> parts, PartKind kind) =>
        string.Concat(parts.Where(part => part.Kind == kind).Select(part => part.Text));

    private static (List<AnswerPart> Parts, string? Reason) Read(string answer, AnswerReading reading)
    {
        using var stub = new StubChatModel();
        var text = new AnswerText(stub, reading);
        var parts = new List<AnswerPart>();
        foreach (int token in Encoding.UTF8.GetBytes(answer).Select(value => (int)value).Append(StubChatModel.EndToken))
            if (text.Open) parts.AddRange(text.Take(token));
        if (text.FinishReason is null) parts.AddRange(text.End());
        return (parts, text.FinishReason);
    }
}
