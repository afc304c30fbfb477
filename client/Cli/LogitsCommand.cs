using System.CommandLine;
using System.Globalization;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;

namespace SmolCluster.Cli;

/// <summary><c>smol logits FILE</c>: the logits after every token of one sequence, to compare with other programs and other
/// machines bit for bit.</summary>
internal static class LogitsCommand
{
    private const int DefaultBatch = 64;

    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A GGUF file" };
        var ids = new Option<string>("--ids") { Description = "A file with token ids, separated by white space or commas", HelpName = "IDS.txt", Required = true };
        var target = new Option<string>("--out") { Description = "The file to write: \"LGT1\", rows, vocabulary, 0 (uint32), float32[rows][vocabulary]", HelpName = "X.lgt", Required = true };
        Option<string?> kv = NodeSwitches.KvOption();
        var reference = new Option<bool>("--reference") { Description = "Weights dequantized to F32, F32 activations: slow, to judge the fast kernels by" };
        var batch = new Option<int?>("--batch") { Description = $"Tokens a forward step; changes no bit (default: {DefaultBatch})" };
        var threads = new Option<int?>("--threads") { Description = "Threads that compute; changes no bit (default: one a processor)" };
        NodeSwitches.AtLeastOne(batch);
        NodeSwitches.AtLeastOne(threads);
        var command = new SmolCommand("logits", "Write the logits after each token of a sequence to a file",
            "smol logits tiny-Q4_K_M.gguf --ids tokens64.txt --out fast.lgt",
            "smol logits tiny-Q4_K_M.gguf --ids tokens64.txt --out exact.lgt --reference --kv f32")
        { file, ids, target, kv, reference, batch, threads };
        command.SetAction(parsed =>
        {
            var options = new LogitsOptions(
                NodeSwitches.Kv(parsed, kv),
                parsed.GetValue(reference) ? Arithmetic.Reference : Arithmetic.Default,
                parsed.GetValue(batch) ?? DefaultBatch,
                parsed.GetValue(threads) ?? Environment.ProcessorCount);
            Run(parsed.GetRequiredValue(file), parsed.GetRequiredValue(ids), parsed.GetRequiredValue(target), options);
        });
        return command;
    }

    private static void Run(string path, string idsPath, string target, LogitsOptions options)
    {
        int[] ids = ReadIds(idsPath);
        using GgufFile file = HuggingFaceModel.OpenAny(path);
        CheckIds(ids, idsPath, ModelConfig.From(file));
        float[][] rows = LogitsRun.Compute(file, ids, options);
        using FileStream output = File.Create(target);
        LogitsRun.Write(output, rows);
    }

    private static int[] ReadIds(string path)
    {
        string[] words = File.ReadAllText(path).Split([' ', '\t', '\r', '\n', ','], StringSplitOptions.RemoveEmptyEntries);
        return [.. words.Select(word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
            ? id
            : throw new CommandFailure($"{path}: '{word}' is no token id; expected whole numbers separated by white space or commas"))];
    }

    private static void CheckIds(int[] ids, string path, ModelConfig config)
    {
        if (ids.Length == 0)
            throw new CommandFailure($"{path}: there are no token ids in it");
        if (ids.Length > config.ContextLength)
            throw new CommandFailure($"{path}: {ids.Length} ids, but the model's context holds {config.ContextLength}");
        foreach (int id in ids)
        {
            if (id >= config.VocabularyLength)
                throw new CommandFailure($"{path}: id {id} is outside the vocabulary of {config.VocabularyLength} tokens");
        }
    }
}
