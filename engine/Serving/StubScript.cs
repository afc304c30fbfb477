using System.Text;
using System.Text.Json.Nodes;
using SmolCluster.Engine.Text;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Engine.Serving;

/// <summary>What the stub says: a text, and for trying clients also reasoning, where thinking is asked for, and a tool call, where the last message is a
/// person's and holds the name of a tool; a JSON object behind the name becomes the call's arguments. A function of the prompt, as a model's answer is.</summary>
internal static class StubScript
{
    private const string Reasoning = "I am a stub and cannot think. This text stands where a model's reasoning would stand.";

    /// <summary>Last lines of the prompt that say what is wanted.</summary>
    private const string ThinkLine = "\n[think]\n", CallLine = "\n[call] ";

    public static string Prompt(JsonObject context)
    {
        if (context["messages"] is not JsonArray { Count: > 0 } messages)
            throw new TemplateException("There are no messages to answer: send at least one.");
        var prompt = new StringBuilder();
        foreach (var message in messages)
            prompt.Append(Text(message, "role")).Append(": ").Append(Text(message, "content")).Append('\n');
        if (Call(context, messages[^1]!) is { } call) prompt.Append(CallLine).Append(call.ToJsonString()).Append('\n');
        if (Thinks(context)) prompt.Append(ThinkLine);
        return prompt.ToString();
    }

    /// <summary>With the request's own limits on reasoning and length, as a model's draws would have them.</summary>
    public static byte[] Answer(GenerationRequest request, string text)
    {
        string prompt = Encoding.UTF8.GetString([.. request.Tokens.Take(request.PromptLength).Select(token => (byte)token)]);
        var answer = new StringBuilder();
        bool thinks = prompt.EndsWith(ThinkLine, StringComparison.Ordinal);
        if (thinks)
        {
            prompt = prompt[..^ThinkLine.Length];
            string reasoning = "\n" + Reasoning;
            bool cut = request.Thinking?.Tokens < reasoning.Length;
            answer.Append(AnswerForm.ReasoningBegin).Append(cut ? reasoning[..request.Thinking!.Tokens] : reasoning).Append('\n')
                .Append(AnswerForm.ReasoningEnd).Append('\n');
        }
        int call = prompt.LastIndexOf(CallLine, StringComparison.Ordinal);
        bool calls = call >= 0 && prompt.IndexOf('\n', call + CallLine.Length) == prompt.Length - 1;
        answer.Append(calls ? $"{AnswerForm.CallBegin}\n{prompt[(call + CallLine.Length)..]}{AnswerForm.CallEnd}" : text);
        while (answer.Length < request.MinTokens) answer.Append(text).Append(' ');
        return Encoding.UTF8.GetBytes(answer.ToString());
    }

    private static bool Thinks(JsonObject context) => context["enable_thinking"] is JsonValue enabled && enabled.TryGetValue(out bool thinks) && thinks;

    private static JsonObject? Call(JsonObject context, JsonNode last)
    {
        string text = Text(last, "content");
        if (context["tools"] is not JsonArray tools || Text(last, "role") != "user") return null;
        foreach (string name in tools.Select(tool => (string?)tool?["function"]?["name"]).OfType<string>())
            if (text.IndexOf(name, StringComparison.Ordinal) is >= 0 and var place)
                return new JsonObject { ["name"] = name, ["arguments"] = Arguments(text[(place + name.Length)..]) };
        return null;
    }

    private static JsonObject Arguments(string text)
    {
        int begin = text.IndexOf('{'), end = text.LastIndexOf('}');
        try
        {
            return begin < 0 || end < begin ? [] : JsonNode.Parse(text[begin..(end + 1)]) as JsonObject ?? [];
        }
        catch (System.Text.Json.JsonException)
        {
            return [];
        }
    }

    private static string Text(JsonNode? message, string name) =>
        (message as JsonObject)?[name] is JsonValue value && value.TryGetValue(out string? text)
            ? text
            : throw new TemplateException($"Every message needs a text \"{name}\".");
}
