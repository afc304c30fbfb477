using System.CommandLine;
using System.Globalization;
using System.Text;
using SmolCluster.Engine.Conversion;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Text;

namespace SmolCluster.Cli;

/// <summary><c>smol tokenize FILE</c>: standard input, byte for byte, to token ids, one a line.</summary>
internal static class TokenizeCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A GGUF file with a vocabulary" };
        var special = new Option<bool>("--special") { Description = "Parse special tokens such as <|im_start|> (text of people is never parsed so)" };
        var command = new SmolCommand("tokenize", "Turn standard input (UTF-8, nothing trimmed) into token ids, one a line",
            "printf 'The quick brown fox' | smol tokenize SmolLM3-Q4_K_M.gguf",
            "printf '<|im_start|>user' | smol tokenize SmolLM3-Q4_K_M.gguf --special")
        { file, special };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(file), parsed.GetValue(special)));
        return command;
    }

    private static void Run(string path, bool special)
    {
        using GgufFile file = HuggingFaceModel.OpenAny(path);
        int[] ids = Tokenizer.From(file).Encode(ReadInput(), special);
        var lines = new StringBuilder();
        foreach (int id in ids)
            lines.Append(CultureInfo.InvariantCulture, $"{id}\n");
        Console.Out.Write(lines);
    }

    private static string ReadInput()
    {
        using var bytes = new MemoryStream();
        using (Stream input = Console.OpenStandardInput())
            input.CopyTo(bytes);
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
        }
        catch (DecoderFallbackException e)
        {
            throw new CommandFailure($"standard input is not UTF-8: the byte at offset {e.Index} begins no character");
        }
    }
}
