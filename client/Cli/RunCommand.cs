using System.CommandLine;
using System.Text;
using System.Text.Json;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Sampling.Constraints;
using SmolCluster.Engine.Serving;
using SmolCluster.Grains;

namespace SmolCluster.Cli;

/// <summary><c>smol run -p "…"</c>: one question, one answer, for scripts. What comes through a pipe is appended to the prompt; the
/// answer alone goes to standard output.</summary>
internal static class RunCommand
{
    /// <summary>The answer reached its longest length: what is there is not all of it.</summary>
    private const int CutAnswer = 3;

    private const int LongestInput = 64 << 20;
    private const int LongestSchema = 1 << 20;

    public static Command Create()
    {
        var node = new NodeSwitches();
        var prompt = new Option<string?>("--prompt", "-p") { Description = "The question; standard input is appended where it is no terminal", HelpName = "TEXT" };
        var system = new Option<string?>("--system") { Description = "What the model is told to be" };
        var temperature = new Option<float>("--temperature") { Description = "0: always the likeliest token (0 to 2)", DefaultValueFactory = static _ => 0.6f };
        var topP = new Option<float>("--top-p") { Description = "Draw from the likeliest tokens that make up this share (above 0, to 1)", DefaultValueFactory = static _ => 0.95f };
        var seed = new Option<ulong>("--seed") { Description = "Same seed, same prompt: same answer", DefaultValueFactory = static _ => 0 };
        var maxTokens = new Option<int?>("--max-tokens") { Description = $"Longest answer (default: what the context holds); one that was cut ends with exit code {CutAnswer}" };
        var noThinking = new Option<bool>("--no-thinking") { Description = "Tell the template that the model shall not think first" };
        var schema = new Option<string?>("--json-schema") { Description = "The answer is JSON by this schema, token by token; a file, or the schema itself", HelpName = "FILE|JSON" };
        var json = new Option<bool>("--json") { Description = "{answer, value (the answer read, with --json-schema), reasoning, finishReason, model, promptTokens, completionTokens}" };
        var command = new SmolCommand("run", "Answer one prompt, for scripts and pipes",
            "smol run -p 'Name three colors.'",
            "cat notes.txt | smol run SmolLM3-Q4_K_M.gguf -p 'Summarize in one sentence:' --temperature 0",
            "smol run -p 'What is a silo?' --json",
            """smol run -p 'Name a color.' --json-schema '{"type": "object", "properties": {"color": {"enum": ["red", "green"]}}, "required": ["color"]}'""")
        { prompt, system, temperature, topP, seed, maxTokens, noThinking, schema, json };
        node.AddTo(command);
        NodeSwitches.AtLeastOne(maxTokens);
        temperature.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<float>() is not (>= 0 and <= 2))
                result.AddError("--temperature must be from 0 to 2.");
        });
        topP.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<float>() is not (> 0 and <= 1))
                result.AddError("--top-p must be above 0, up to 1.");
        });
        command.SetAction(parsed => Interruption.RunAsync(async stop =>
        {
            string question = Question(parsed.GetValue(prompt));
            ConstraintSource? form = parsed.GetValue(schema) is { } given ? new(ConstraintKind.JsonSchema, Schema(given)) : null;
            ModelSource source = node.Source(parsed);
            using IChatModel model = await Terminal.WithProgressAsync($"loading {source.Id}", progress => source.Load(progress, stop));
            if (model.Card.Kind != ModelKind.Real)
                Console.Error.WriteLine($"{model.Card.Id} answers ({(model.Card.Kind == ModelKind.Demo ? "a small demo model" : "canned answers, no model")})");
            var sampling = new SamplingOptions { Temperature = parsed.GetValue(temperature), TopP = parsed.GetValue(topP), Seed = parsed.GetValue(seed) };
            var session = new ChatSession(model, new ChatSettings(sampling, parsed.GetValue(maxTokens)) { ReasoningApart = true, Constraint = form })
            {
                System = parsed.GetValue(system),
                Thinks = parsed.GetValue(noThinking) ? false : null,
            };
            return await AnswerAsync(session, question, parsed.GetValue(json), form is not null, stop);
        }));
        return command;
    }

    private static async Task<int> AnswerAsync(ChatSession session, string question, bool json, bool isJson, CancellationToken stop)
    {
        string reason;
        try
        {
            reason = await session.AskAsync(question, json ? static _ => { } : Console.Out.Write, stop);
        }
        catch (ConstraintException refusal)
        {
            throw new CommandFailure($"--json-schema{(refusal.Path.Length > 0 ? ", at " + refusal.Path : "")}: {refusal.Message}");
        }

        stop.ThrowIfCancellationRequested();
        if (json)
            JsonOutput.Write(new
            {
                answer = session.LastAnswer,
                value = isJson && reason == "stop" ? JsonSerializer.Deserialize<JsonElement>(session.LastAnswer) : (JsonElement?)null,
                reasoning = session.LastReasoning is { Length: > 0 } thought ? thought : null,
                finishReason = reason,
                model = session.Card.Id,
                promptTokens = session.PromptTokens,
                completionTokens = session.CompletionTokens,
            });
        else
            Console.Out.WriteLine();
        return reason == "length" ? CutAnswer : 0;
    }

    /// <summary>An object is the schema; anything else names the file that holds it.</summary>
    private static string Schema(string given)
    {
        if (given.AsSpan().TrimStart().StartsWith('{'))
            return given;
        var file = new FileInfo(given);
        if (!file.Exists)
            throw new CommandFailure($"--json-schema: there is no file '{given}', and a schema on the command line begins with {{");
        if (file.Length > LongestSchema)
            throw new CommandFailure($"--json-schema: {given} is longer than {LongestSchema >> 20} MiB");
        return File.ReadAllText(given);
    }

    private static string Question(string? prompt)
    {
        string input = Console.IsInputRedirected ? ReadInput() : "";
        string question = input.Length == 0 ? prompt ?? "" : prompt is null ? input : $"{prompt}\n\n{input}";
        return question.Length > 0 ? question : throw new CommandFailure("there is no prompt: give one with -p, or through a pipe");
    }

    private static string ReadInput()
    {
        using var bytes = new MemoryStream();
        using (Stream input = Console.OpenStandardInput())
            input.CopyTo(bytes);
        if (bytes.Length > LongestInput)
            throw new CommandFailure($"standard input is longer than {LongestInput >> 20} MiB");
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes.GetBuffer(), 0, (int)bytes.Length).Trim();
        }
        catch (DecoderFallbackException e)
        {
            throw new CommandFailure($"standard input is not UTF-8: the byte at offset {e.Index} begins no character");
        }
    }
}
