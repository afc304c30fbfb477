using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Models;

/// <summary>A made-up byte-level vocabulary with SmolLM3's special tokens in its last 256 (or fewer) places: every text can be
/// encoded, words of up to four letters merge, and the template's tokens are there.</summary>
internal static class RandomVocabulary
{
    private const string Template =
        "{%- for message in messages -%}{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}{%- endfor -%}"
        + "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}";

    private const int Normal = 1, Control = 3, UserDefined = 4;

    /// <summary>SmolLM3's special tokens by their distance from the first one.</summary>
    private static readonly Dictionary<int, (string Name, int Type)> Special = new()
    {
        [0] = ("<|begin_of_text|>", Control),
        [1] = ("<|end_of_text|>", Control),
        [2] = ("<think>", UserDefined),
        [3] = ("</think>", UserDefined),
        [11] = ("<|im_start|>", Control),
        [12] = ("<|im_end|>", Control),
        [13] = ("<tool_response>", UserDefined),
        [14] = ("</tool_response>", UserDefined),
        [15] = ("<tool_call>", UserDefined),
        [16] = ("</tool_call>", UserDefined),
    };

    /// <param name="length">Tokens in all.</param>
    /// <param name="special">Special ones among them, the last.</param>
    public static void AddTo(GgufWriter writer, int length, int special)
    {
        int first = length - special;
        var tokens = new List<string>(length);
        var merges = new List<string>(length);
        for (int b = 0; b < 256; b++)
            tokens.Add(ByteLetters[b].ToString());
        foreach ((string left, string right) in Merges().Take(first - 256))
        {
            merges.Add($"{left} {right}");
            tokens.Add(left + right);
        }

        var types = new List<int>(Enumerable.Repeat(Normal, first));
        for (int i = 0; i < special; i++)
        {
            (string name, int type) = Special.GetValueOrDefault(i, ($"<|reserved_special_token_{i}|>", Control));
            tokens.Add(name);
            types.Add(type);
        }

        writer.Add("tokenizer.ggml.model", "gpt2")
            .Add("tokenizer.ggml.pre", "smaug-bpe")
            .Add("tokenizer.ggml.tokens", tokens.ToArray())
            .Add("tokenizer.ggml.token_type", types.ToArray())
            .Add("tokenizer.ggml.merges", merges.ToArray())
            .Add("tokenizer.ggml.bos_token_id", (uint)first)
            .Add("tokenizer.ggml.eos_token_id", (uint)(first + 12))
            .Add("tokenizer.ggml.padding_token_id", (uint)(first + 12))
            .Add("tokenizer.chat_template", Template);
    }

    /// <summary>GPT-2's printable letter for each byte: printable Latin-1 stands for itself, the other bytes take U+0100 onwards.</summary>
    private static string ByteLetters { get; } = MakeByteLetters();

    private static string MakeByteLetters()
    {
        char next = '\u0100';
        return string.Concat(Enumerable.Range(0, 256).Select(b =>
            b is (>= '!' and <= '~') or (>= 0xa1 and <= 0xac) or (>= 0xae and <= 0xff) ? (char)b : next++));
    }

    /// <summary>Pairs whose parts are earlier tokens, each making a new one: two letters, a space and a letter, a space and three
    /// letters, three letters, four letters; 492,830 in all.</summary>
    private static IEnumerable<(string Left, string Right)> Merges()
    {
        string[] letters = [.. "etaoinshrdlucmfwypvbgkqjxz".Select(static c => c.ToString())];
        string[] pairs = [.. letters.SelectMany(_ => letters, static (a, b) => a + b)];
        string[] spaced = [.. letters.Select(static a => "\u0120" + a)];
        return letters.SelectMany(_ => letters, static (a, b) => (a, b))
            .Concat(letters.Select(static a => ("\u0120", a)))
            .Concat(spaced.SelectMany(_ => pairs, static (a, b) => (a, b)))
            .Concat(pairs.SelectMany(_ => letters, static (a, b) => (a, b)))
            .Concat(pairs.SelectMany(_ => pairs, static (a, b) => (a, b)));
    }
}
