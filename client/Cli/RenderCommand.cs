using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Text;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Cli;

/// <summary><c>smol render</c>: a chat template and its context to the prompt, byte for byte. The context is taken as it is;
/// a model file only adds its <c>bos_token</c> and <c>eos_token</c> where the context has none.</summary>
internal static class RenderCommand
{
    public static Command Create()
    {
        var file = new Argument<string?>("FILE") { Description = "A GGUF file with a chat template", Arity = ArgumentArity.ZeroOrOne };
        var template = new Option<string?>("--template") { Description = "A file with a Jinja chat template, instead of FILE", HelpName = "T.jinja" };
        var context = new Option<string>("--context") { Description = "A file with a JSON object: messages, add_generation_prompt, …", HelpName = "C.json", Required = true };
        var now = new Option<DateTimeOffset?>("--now") { Description = "The date that strftime_now sees (default: now)", HelpName = "2025-07-10", CustomParser = ParseDate };
        var command = new SmolCommand("render", "Render a chat template: the prompt, UTF-8, with no newline added",
            "smol render SmolLM3-Q4_K_M.gguf --context chat.json --now 2025-07-10",
            "smol render --template chat_template.jinja --context chat.json")
        { file, template, context, now };
        command.Validators.Add(result =>
        {
            if (result.GetValue(file) is null == result.GetValue(template) is null)
                result.AddError("render needs FILE or --template, and not both.");
        });
        command.SetAction(parsed => Run(parsed.GetValue(file), parsed.GetValue(template), parsed.GetRequiredValue(context), parsed.GetValue(now)));
        return command;
    }

    private static void Run(string? modelPath, string? templatePath, string contextPath, DateTimeOffset? now)
    {
        JsonObject context = ReadContext(contextPath);
        string source = modelPath is null ? File.ReadAllText(templatePath!) : FromModel(modelPath, context);
        IReadOnlyList<PromptSegment> prompt = ChatTemplate.Parse(source).Render(context, now ?? DateTimeOffset.Now);
        byte[] bytes = Encoding.UTF8.GetBytes(string.Concat(prompt.Select(static segment => segment.Text)));
        using Stream output = Console.OpenStandardOutput();
        output.Write(bytes);
    }

    private static string FromModel(string path, JsonObject context)
    {
        using GgufFile file = HuggingFaceModel.OpenAny(path);
        AddToken(file, context, "bos_token", "tokenizer.ggml.bos_token_id");
        AddToken(file, context, "eos_token", "tokenizer.ggml.eos_token_id");
        return file.Metadata.Text("tokenizer.chat_template");
    }

    private static void AddToken(GgufFile file, JsonObject context, string name, string key)
    {
        if (context.ContainsKey(name) || !file.Metadata.TryGetValue(key, out _))
            return;
        IReadOnlyList<string> tokens = file.Metadata.Texts("tokenizer.ggml.tokens");
        long id = file.Metadata.Integer(key);
        if (id < 0 || id >= tokens.Count)
            throw new GgufException($"{file.Path}: {key} is {id}, but the vocabulary has {tokens.Count} tokens");
        context[name] = tokens[(int)id];
    }

    private static JsonObject ReadContext(string path)
    {
        try
        {
            var strict = new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 128 };
            return JsonNode.Parse(File.ReadAllBytes(path), documentOptions: strict) as JsonObject
                ?? throw new CommandFailure($"{path}: expected a JSON object such as {{\"messages\": […]}}");
        }
        catch (JsonException e)
        {
            throw new CommandFailure($"{path}: not JSON: {e.Message}");
        }
    }

    private static DateTimeOffset? ParseDate(System.CommandLine.Parsing.ArgumentResult result)
    {
        string text = result.Tokens.Single().Value;
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset date))
            return date;
        result.AddError($"--now: '{text}' is no date; expected one such as 2025-07-10 or 2025-07-10T18:30.");
        return null;
    }
}
