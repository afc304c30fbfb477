using System.Text;
using SmolCluster.Contracts;

namespace SmolCluster.Cluster.Tests;

public sealed class TokenizerGrainTests
{
    [Fact]
    public async Task EncodeChat_IsThePromptThatAnAnswerCounts()
    {
        await using var cluster = await StubCluster.Start(new Engine.Serving.StubChatModel());
        var question = Requests.Hello();
        var started = Assert.IsType<AnswerStarted>((await cluster.Conversation().Answer(question with { MaxTokens = 1 }))[0]);
        var prompt = await cluster.Tokenizer.EncodeChat(question);
        Assert.Equal((started.PromptTokens, started.ContextLength), (prompt.Tokens.Count, prompt.ContextLength));
    }

    [Fact]
    public async Task EncodeDecode_GivesTheTextBack()
    {
        await using var cluster = await StubCluster.Start(new Engine.Serving.StubChatModel());
        var text = await cluster.Tokenizer.Encode("stub", "é 🙂", addBegin: true, parseSpecial: false);
        var bytes = await cluster.Tokenizer.Decode("stub", text.Tokens);
        Assert.Equal("é 🙂", Encoding.UTF8.GetString([.. bytes.SelectMany(piece => piece)]));
        var refusal = await Assert.ThrowsAsync<ChatException>(() => cluster.Tokenizer.Decode("stub", [65, -1]));
        Assert.Equal(ChatError.InvalidPrompt, refusal.Error);
        Assert.Equal(ChatError.ModelNotFound, (await Assert.ThrowsAsync<ChatException>(() => cluster.Tokenizer.Encode("none", "", false, false))).Error);
    }
}
