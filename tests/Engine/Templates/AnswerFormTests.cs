using System.Text.Json.Nodes;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Engine.Tests.Templates;

public sealed class AnswerFormTests
{
    private const string Calls = """
        {"messages": [{"role": "user", "content": "Weather?"},
          {"role": "assistant", "content": "I look.", "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": {"city": "<tool_call>"}}},
            {"id": "2", "type": "function", "function": {"name": "g", "arguments": {}}}]},
          {"role": "tool", "content": "Sunny"}], "add_generation_prompt": true}
        """;

    [Theory]
    [InlineData("HuggingFaceTB/SmolLM3-3B", true, true)]
    [InlineData("Qwen/Qwen3-0.6B", true, true)]
    [InlineData("Qwen/Qwen3.5-4B", true, false)]
    [InlineData("Qwen/Qwen2.5-7B-Instruct", false, true)]
    [InlineData("NousResearch/Hermes-2-Pro-Llama-3-8B (JSON Schema)", false, true)]
    [InlineData("deepseek-ai/DeepSeek-R1", true, false)]
    [InlineData("meta-llama/Llama-3.1-8B-Instruct", false, false)]
    public void Of_KnownTemplates_WhatTheModelsWrite(string name, bool reasons, bool callsTools) =>
        Assert.Equal(new AnswerForm(reasons, callsTools), ChatTemplate.Parse(TemplateCase.Find("chat.json", name).Template).Form);

    [Fact]
    public void Render_EarlierCallsInATemplateWithoutThem_StandInTheContentWithMarksAsScaffold()
    {
        var segments = ChatTemplate.Parse(TemplateCase.Find("chat.json", "HuggingFaceTB/SmolLM3-3B").Template, TextStyle.Python)
            .Render(JsonNode.Parse(Calls)!.AsObject(), TemplateCase.Now, callsAsContent: true);
        string text = TemplateCase.Join(segments);
        Assert.Contains("""
            I look.
            <tool_call>
            {"name": "f", "arguments": {"city": "<tool_call>"}}
            </tool_call>
            <tool_call>
            {"name": "g", "arguments": {}}
            </tool_call><|im_end|>
            """.ReplaceLineEndings("\n"), text, StringComparison.Ordinal);
        string scaffold = string.Concat(segments.Where(segment => segment.IsScaffold).Select(segment => segment.Text));
        Assert.Equal(2, scaffold.Split("<tool_call>").Length - 1);
        Assert.DoesNotContain("city", scaffold, StringComparison.Ordinal);
    }

    [Fact]
    public void EncodeChat_EarlierCallsInATemplateOfNoTools_AreRefused()
    {
        using GgufChatModel model = GgufChatModel.Load(TestData.DemoModel, new EngineOptions { Threads = 1, CacheBytes = 64 << 20 });
        Assert.Throws<TemplateException>(() => model.EncodeChat(JsonNode.Parse(Calls)!.AsObject()));
    }
}
