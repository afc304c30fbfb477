using System.Globalization;
using System.Text;
using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Conversations;

/// <summary>The branch that is shown as Markdown for people: texts as they are, what the model thought as a quotation.</summary>
internal static class TranscriptMarkdown
{
    public static string Of(Transcript transcript)
    {
        var text = new StringBuilder();
        text.Append("# ").Append(transcript.Title ?? "Conversation").Append("\n\n");
        text.Append(CultureInfo.InvariantCulture, $"_{transcript.Created.UtcDateTime:yyyy-MM-dd HH:mm} UTC_\n\n");
        if (transcript.System is { } system)
            text.Append("**System**\n\n").Append(Quoted(system)).Append("\n\n");
        foreach (var message in transcript.PathTo(transcript.Head))
        {
            text.Append(message.Answer is { } answer ? $"**{answer.Request.Model}**" : "**You**").Append("\n\n");
            if (message.Reasoning is { Length: > 0 } reasoning)
                text.Append(Quoted(reasoning)).Append("\n\n");
            text.Append(message.Content.Trim()).Append("\n\n");
        }
        return text.ToString();
    }

    private static string Quoted(string text) => string.Join('\n', text.Trim().Split('\n').Select(line => line.Length == 0 ? ">" : "> " + line));
}
