using System.Text;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Sampling.Constraints;
using SmolCluster.Engine.Text;

namespace SmolCluster.Engine.Tests.Constraints;

/// <summary>Vocabularies to compile constraints for, and answers as their tokens.</summary>
internal sealed class Vocabularies
{
    private const int End = 256, ThinkStart = 257, ThinkEnd = 258, CallStart = 259, CallEnd = 260, Control = 261;

    private static readonly Lazy<Vocabularies> DemoOnce = new(() => From(TestData.DemoModel));

    private readonly Func<string, int[]> _encode;

    private Vocabularies(ConstraintVocabulary vocabulary, Func<string, int[]> encode, IReadOnlyList<int> endings)
    {
        (_encode, Endings, Length) = (encode, endings, vocabulary.Length);
        Compiler = new ConstraintCompiler(() => vocabulary);
    }

    /// <summary>A token a byte, an ending token, and special tokens for thinking and for calls of tools.</summary>
    public static Vocabularies Bytes { get; } = new(
        new ConstraintVocabulary(Control + 1, static token => token switch
        {
            < End => [(byte)token],
            End => "<|im_end|>"u8.ToArray(),
            ThinkStart => "<think>"u8.ToArray(),
            ThinkEnd => "</think>"u8.ToArray(),
            CallStart => "<tool_call>"u8.ToArray(),
            CallEnd => "</tool_call>"u8.ToArray(),
            _ => "<|control|>"u8.ToArray(),
        }, static token => token >= End, static token => token == End), EncodeBytes, [End]);

    /// <summary>The demo model's.</summary>
    public static Vocabularies Demo => DemoOnce.Value;

    public ConstraintCompiler Compiler { get; }

    public IReadOnlyList<int> Endings { get; }

    public int Length { get; }

    public static Vocabularies From(string gguf)
    {
        using GgufFile file = GgufFile.Open(gguf);
        Tokenizer tokenizer = Tokenizer.From(file);
        ConstraintVocabulary vocabulary = new(tokenizer.VocabularyLength,
            token => tokenizer.Type(token) is TokenType.Unknown or TokenType.Unused ? [] : tokenizer.Bytes(token).ToArray(),
            token => tokenizer.Type(token) is TokenType.Control or TokenType.UserDefined, tokenizer.EndOfGeneration.Contains);
        return new(vocabulary, text => tokenizer.Encode(text), [.. tokenizer.EndOfGeneration]);
    }

    public TokenConstraint Compile(ConstraintKind kind, string text, Thinking thinking = Thinking.None) => Compiler.Compile(new(kind, text), thinking);

    public int[] Encode(string text) => _encode(text);

    /// <summary>Whether an answer may be this text: each token allowed where it stands, then an end.</summary>
    public bool Accepts(TokenConstraint constraint, string text)
    {
        int[] tokens = Encode(text);
        if (constraint.Allowed(tokens) < tokens.Length) return false;
        TokenMask end = constraint.MaskAfter(tokens);
        Assert.All(Endings, ending => Assert.Equal(end.Allows(Endings[0]), end.Allows(ending)));
        return end.Allows(Endings[0]);
    }

    // special tokens where their names stand
    private static int[] EncodeBytes(string text)
    {
        (string Name, int Token)[] specials = [("<think>", ThinkStart), ("</think>", ThinkEnd), ("<tool_call>", CallStart), ("</tool_call>", CallEnd)];
        List<int> tokens = [];
        for (int at = 0; at < text.Length;)
        {
            (string Name, int Token) special = Array.Find(specials, s => string.CompareOrdinal(text, at, s.Name, 0, s.Name.Length) == 0);
            int length = special.Name?.Length ?? (char.IsSurrogate(text[at]) ? 2 : 1);
            tokens.AddRange(special.Name is null ? Encoding.UTF8.GetBytes(text.Substring(at, length)).Select(static b => (int)b) : [special.Token]);
            at += length;
        }
        return [.. tokens];
    }
}

internal static class MaskFinding
{
    /// <summary>The tokens that may follow an answer.</summary>
    public static TokenMask MaskAfter(this TokenConstraint constraint, params int[] answer)
    {
        ConstraintPlace place = default;
        return constraint.Mask(answer, ref place);
    }

    /// <summary>How many tokens of an answer, from its first, are allowed; the rest may also be too costly to tell.</summary>
    public static int Allowed(this TokenConstraint constraint, int[] answer)
    {
        ConstraintPlace place = default;
        try
        {
            for (int i = 0; i < answer.Length; i++)
            {
                if (!constraint.Mask(answer.AsSpan(place.Tokens..i), ref place).Allows(answer[i])) return i;
            }
        }
        catch (ConstraintException)
        {
            return place.Tokens;
        }
        return answer.Length;
    }
}
