using System.CommandLine;
using System.Globalization;
using SmolCluster.Cli.Hub;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Text;
using SmolCluster.Grains;

namespace SmolCluster.Cli;

/// <summary><c>smol perplexity MODEL TEXT</c>: how well a model predicts a text, to compare quantizations by.</summary>
internal static class PerplexityCommand
{
    private const int DefaultContext = 512;
    private const int Batch = 64;

    public static Command Create()
    {
        var model = new Argument<string>("MODEL") { Description = "A GGUF file, a pulled model, or demo" };
        var text = new Argument<string>("TEXT") { Description = "A file with the text, UTF-8" };
        var context = new Option<int?>("--context") { Description = $"Tokens of a chunk, of which the second half's predictions count (default: {DefaultContext})" };
        Option<string?> kv = NodeSwitches.KvOption();
        var threads = new Option<int?>("--threads") { Description = "Threads that compute; changes no bit (default: one a processor)" };
        var json = new Option<bool>("--json") { Description = "{value, error, tokens, chunks}" };
        NodeSwitches.AtLeastOne(context);
        NodeSwitches.AtLeastOne(threads);
        var command = new SmolCommand("perplexity", "Measure how well a model predicts a text",
            "smol perplexity SmolLM3-Q4_K_M.gguf wiki.test.raw",
            "smol perplexity demo text.txt --context 256 --json")
        { model, text, context, kv, threads, json };
        command.SetAction(parsed =>
        {
            string named = parsed.GetRequiredValue(model), path = named == ModelCatalog.DemoPath ? ModelCatalog.DemoFile : new ModelStore(null).Resolve(named);
            var options = new LogitsOptions(NodeSwitches.Kv(parsed, kv), Arithmetic.Default, Batch, parsed.GetValue(threads) ?? Environment.ProcessorCount);
            Run(path, parsed.GetRequiredValue(text), parsed.GetValue(context) ?? DefaultContext, options, parsed.GetValue(json));
        });
        return command;
    }

    private static void Run(string path, string textPath, int context, LogitsOptions options, bool json)
    {
        using GgufFile file = HuggingFaceModel.OpenAny(path);
        Tokenizer tokenizer = Tokenizer.From(file);
        int[] tokens = tokenizer.Encode(File.ReadAllText(textPath));
        Perplexity result;
        try
        {
            result = PerplexityRun.Compute(file, tokens, tokenizer.AddsBeginOfText ? tokenizer.BeginOfText : null, context, options, static (soFar, share) =>
            {
                if (!Console.IsErrorRedirected)
                    Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"\r{share:P0} {soFar.Value:0.0000}   "));
            });
        }
        catch (ArgumentException refusal)
        {
            throw new CommandFailure(refusal.Message);
        }

        if (!Console.IsErrorRedirected)
            Console.Error.Write('\r');
        if (json)
            JsonOutput.Write(result);
        else
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"perplexity {result.Value:0.0000} ± {result.Error:0.0000} over {result.Tokens} tokens in {result.Chunks} chunks of {context}"));
    }
}
