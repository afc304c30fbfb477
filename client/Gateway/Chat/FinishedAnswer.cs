using System.Text.Json;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>A whole answer, for dialects that send it in one piece.</summary>
internal sealed record FinishedAnswer(AnswerContent Content, AnswerFinished End)
{
    public static async Task<FinishedAnswer> ReadAsync(RunningAnswer answer)
    {
        var content = new AnswerContent();
        await foreach (var happened in answer.ReadAsync())
        {
            content.Add(happened);
            if (happened is AnswerFinished finished)
                return new(content, finished);
        }
        throw new InvalidOperationException($"The answer {answer.Id} ended without AnswerFinished.");
    }

    /// <summary>A call's arguments as JSON: an object as a rule. What a model wrote that is no JSON stays what it is, a string.</summary>
    public static JsonElement Arguments(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return JsonSerializer.SerializeToElement(text, GatewayJson.Default.String);
        }
    }
}
