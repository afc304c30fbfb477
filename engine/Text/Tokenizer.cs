using System.Runtime.InteropServices;
using System.Text;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Text;

/// <summary>Text to token ids and back, from the vocabulary in a GGUF file. Immutable and thread-safe.
/// <para>Why not Microsoft.ML.Tokenizers (2.0.1, measured on Llama-3's vocabulary, 126,639 one-word tokens): its
/// TiktokenTokenizer always takes a word that is a token whole, so under SmolLM3's smaug-bpe 588 words get other ids than in
/// llama.cpp (" việc" is 3355 26298 66 there, not 100769); its BpeTokenizer never does, so under llama-bpe the same 588
/// differ, and one of llama.cpp's vectors. Both merge in quadratic time: 128 KiB of "a" take 4.4 and 1.2 s, so that one
/// request of a megabyte would hold a core for minutes (here: 0.5 s a megabyte). Both cut words by UTF-16 unit (see
/// <see cref="PreTokenizer"/>) and give no raw bytes and no switch for special tokens by call. So the merging is ours; where
/// the library is exact the tests hold ours against it.</para></summary>
public sealed class Tokenizer
{
    private const string Prefix = "tokenizer.ggml.";

    // control tokens that end an answer in some chat format; files often name only one of them
    private static readonly string[] EndNames =
    [
        "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|endoftext|>", "<|end_of_text|>", "<|end|>", "<|end_of_turn|>", "<end_of_turn>", "</s>",
    ];

    private readonly Vocabulary _vocabulary;
    private readonly PreTokenizer? _preTokenizer;
    private readonly BytePairEncoder? _encoder;
    private readonly SentencePieceEncoder? _sentencePieces; // instead of the two above
    private readonly SpecialTokens _specials;
    private readonly SpecialTokens? _blanks; // of a SentencePiece vocabulary
    private readonly HashSet<int> _marks;

    private Tokenizer(GgufFile file)
    {
        GgufMetadata metadata = file.Metadata;
        bool isSentencePiece = IsSentencePiece(file);
        if (!isSentencePiece) _preTokenizer = FindPreTokenizer(file);
        RequireAtMost(file, "tokens", 1 << 22);
        RequireAtMost(file, "token_type", 1 << 22);
        RequireAtMost(file, isSentencePiece ? "scores" : "merges", 1 << 24);
        _vocabulary = new Vocabulary(file.Path, metadata.EachText(Prefix + "tokens"), metadata.Integers(Prefix + "token_type"), isSentencePiece);
        if (_preTokenizer is null)
            _sentencePieces = new SentencePieceEncoder(_vocabulary, Scores(metadata), metadata.Boolean(Prefix + "add_space_prefix", true));
        else
            _encoder = new BytePairEncoder(_vocabulary, new MergeTable(_vocabulary, metadata.EachText(Prefix + "merges")), _preTokenizer.IgnoresMerges);
        _specials = new SpecialTokens(_vocabulary);
        _blanks = isSentencePiece ? new SpecialTokens(_vocabulary, onlyBlank: true) : null;
        BeginOfText = Id(metadata, "bos_token_id");
        bool? addsBegin = metadata.Contains(Prefix + "add_bos_token") ? metadata.Boolean(Prefix + "add_bos_token") : null;
        if (addsBegin == true && BeginOfText is null)
            throw _vocabulary.Fail("add_bos_token", "a begin-of-text token is to be added but tokenizer.ggml.bos_token_id is missing.");
        AddsBeginOfText = addsBegin ?? ((_preTokenizer?.AddsBeginOfText ?? true) && BeginOfText is not null);
        EndOfGeneration = FindEnds(metadata);
        _marks = [.. AnswerForm.Marks.Select(_specials.Find).OfType<int>()];
    }

    /// <exception cref="GgufException">A key is missing or odd, or the tokenizer or pre-tokenizer is not one this engine knows.</exception>
    public static Tokenizer From(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return new Tokenizer(file);
    }

    public int VocabularyLength => _vocabulary.Length;

    /// <summary>Null where the file names none.</summary>
    public int? BeginOfText { get; }

    /// <summary>Whether the model expects <see cref="BeginOfText"/> in front of plain text (never of a chat template).</summary>
    public bool AddsBeginOfText { get; }

    /// <summary>Tokens that end an answer: the file's eos / eot / eom, and control tokens known by name such as &lt;|im_end|&gt;.</summary>
    public IReadOnlySet<int> EndOfGeneration { get; }

    /// <summary>Plain text; special tokens are parsed only when <paramref name="parseSpecial"/>. No begin-of-text is added.
    /// Half a surrogate pair, which no UTF-8 can hold, counts as U+FFFD.</summary>
    public int[] Encode(string text, bool parseSpecial = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Encode([new PromptSegment(text, parseSpecial)]);
    }

    /// <summary>A rendered prompt: special tokens are parsed only within scaffold segments (neighbouring scaffold segments are
    /// one); text between special tokens is split and merged across segment borders as if it were one string. So a person
    /// who writes &lt;|im_end|&gt; gets the ordinary tokens of those ten characters, also when a part of it comes from the
    /// template.</summary>
    public int[] Encode(IReadOnlyList<PromptSegment> prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ReadOnlySpan<char> text = prompt.Count == 1 ? prompt[0].Text : string.Concat(prompt.Select(segment => segment.Text));
        List<int> tokens = new(text.Length / 4 + 16);
        BytePairEncoder.Scratch scratch = new();
        int done = 0;
        foreach (SpecialMatch match in FindSpecials(text, prompt))
        {
            EncodePlain(text[done..match.Start], tokens, scratch);
            tokens.Add(match.Token);
            done = match.Start + match.Length;
        }
        EncodePlain(text[done..], tokens, scratch);
        return [.. tokens];
    }

    /// <summary>The raw bytes of a token, possibly a part of a UTF-8 character; a special token's bytes are its name.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No token has this id.</exception>
    public ReadOnlySpan<byte> Bytes(int token) => _vocabulary.Bytes(Checked(token));

    /// <summary>Control tokens are not shown to people.</summary>
    /// <exception cref="ArgumentOutOfRangeException">No token has this id.</exception>
    public bool IsControl(int token) => _vocabulary.Type(Checked(token)) == TokenType.Control;

    /// <summary>Whether it is the token of one of <see cref="AnswerForm.Marks"/>: files disagree on whether these are control tokens.</summary>
    public bool IsMark(int token) => _marks.Contains(token);

    /// <summary>Whether there is a special token of this name.</summary>
    internal bool Names(string special) => _specials.Find(special) is not null;

    /// <summary>Text, structure or something else.</summary>
    internal TokenType Type(int token) => _vocabulary.Type(Checked(token));

    /// <summary>All tokens to text; control tokens are shown only when <paramref name="showControl"/>; bytes that are no UTF-8 become U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A token's id is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> tokens, bool showControl = false)
    {
        List<byte> bytes = new(tokens.Length * 4);
        foreach (int token in tokens)
        {
            if (showControl || !IsControl(token)) bytes.AddRange(Bytes(token));
        }
        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes));
    }

    private int Checked(int token) => (uint)token < (uint)_vocabulary.Length ? token
        : throw new ArgumentOutOfRangeException(nameof(token), token, $"Token ids go from 0 to {_vocabulary.Length - 1}.");

    private void EncodePlain(ReadOnlySpan<char> text, List<int> tokens, BytePairEncoder.Scratch scratch)
    {
        if (_sentencePieces is not null)
        {
            int done = 0;
            while (_blanks!.TryFind(text, done, text.Length, out SpecialMatch match))
            {
                _sentencePieces.Encode(text[done..match.Start], tokens);
                tokens.Add(match.Token);
                done = match.Start + match.Length;
            }
            _sentencePieces.Encode(text[done..], tokens);
            return;
        }
        while (!text.IsEmpty)
        {
            int length = _preTokenizer!.FirstWord(text);
            _encoder!.Encode(text[..length], tokens, scratch);
            text = text[length..];
        }
    }

    private List<SpecialMatch> FindSpecials(ReadOnlySpan<char> text, IReadOnlyList<PromptSegment> prompt)
    {
        List<SpecialMatch> matches = [];
        int start = 0, end = 0;
        for (int i = 0; i < prompt.Count; i++)
        {
            end += prompt[i].Text.Length;
            bool runGoesOn = prompt[i].IsScaffold && i + 1 < prompt.Count && prompt[i + 1].IsScaffold;
            if (runGoesOn) continue;
            if (prompt[i].IsScaffold)
            {
                while (_specials.TryFind(text, start, end, out SpecialMatch match))
                {
                    matches.Add(match);
                    start = match.Start + match.Length;
                }
            }
            start = end;
        }
        return matches;
    }

    private static bool IsSentencePiece(GgufFile file) => file.Metadata.Text(Prefix + "model") switch
    {
        "gpt2" => false,
        "llama" => true,
        var model => throw new GgufException($"{file.Path}: {Prefix}model is {Vocabulary.Shown(model)}; this engine knows gpt2 (byte-level BPE) and llama (SentencePiece). Use a model with such a tokenizer."),
    };

    private float[] Scores(GgufMetadata metadata)
    {
        float[] scores = metadata.Floats(Prefix + "scores");
        if (scores.Length != _vocabulary.Length)
            throw _vocabulary.Fail("scores", $"the array has {scores.Length} elements; expected one for each of the {_vocabulary.Length} tokens.");
        return Array.TrueForAll(scores, float.IsFinite) ? scores : throw _vocabulary.Fail("scores", "one of them is no finite number.");
    }

    private static PreTokenizer FindPreTokenizer(GgufFile file)
    {
        string name = file.Metadata.Text(Prefix + "pre");
        return PreTokenizer.Known.FirstOrDefault(known => known.Name == name)
            ?? throw new GgufException($"{file.Path}: {Prefix}pre is {Vocabulary.Shown(name)}; this engine knows "
                + $"{string.Join(", ", PreTokenizer.Known.Select(known => known.Name))}. Another rule would cut words in wrong places; use a model with one of these.");
    }

    private int? Id(GgufMetadata metadata, string key)
    {
        if (!metadata.Contains(Prefix + key)) return null;
        long id = metadata.Integer(Prefix + key);
        return id >= 0 && id < _vocabulary.Length ? (int)id
            : throw _vocabulary.Fail(key, $"the id is {id}; expected 0 to {_vocabulary.Length - 1}.");
    }

    // before the array is decoded: a file's size bounds its bytes, not what empty strings take in memory
    private static void RequireAtMost(GgufFile file, string key, long most)
    {
        if (file.Metadata.Count(Prefix + key) is long count && count > most)
            throw new GgufException($"{file.Path}: {Prefix + key} has {count} elements; expected at most {most}.");
    }

    private HashSet<int> FindEnds(GgufMetadata metadata)
    {
        HashSet<int> ends = [];
        foreach (string key in (ReadOnlySpan<string>)["eos_token_id", "eot_token_id", "eom_token_id"])
        {
            if (Id(metadata, key) is int id) ends.Add(id);
        }
        foreach (string name in EndNames)
        {
            if (_specials.Find(name) is int id && _vocabulary.Type(id) == TokenType.Control) ends.Add(id);
        }
        return ends;
    }
}
