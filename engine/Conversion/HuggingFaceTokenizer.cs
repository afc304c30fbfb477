using System.Text.Json;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Conversion;

/// <summary>tokenizer.json and tokenizer_config.json as GGUF's <c>tokenizer.ggml</c> keys: of a byte-level BPE vocabulary, or of a
/// SentencePiece vocabulary as Gemma's is written. The latter's scores are not there, but its merges are in their order: a token's score
/// is minus the place of the first merge that makes it.</summary>
internal sealed class HuggingFaceTokenizer
{
    private const string Llama3Words = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Qwen2Words = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4, Unused = 5, Byte = 6;

    private readonly HuggingFaceJson _json;
    private readonly string[] _tokens;
    private readonly int[] _types;
    private readonly bool _isSentencePiece;
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);

    /// <param name="json">tokenizer.json.</param>
    /// <param name="vocabulary">Rows of the embeddings; ids that no token has are filled up.</param>
    public HuggingFaceTokenizer(HuggingFaceJson json, int vocabulary)
    {
        _json = json;
        if (vocabulary is < 1 or > 1 << 22)
            throw json.Fail($"a vocabulary of {vocabulary} tokens is not accepted.");
        if (!HuggingFaceJson.Has(json.Root, "model", out JsonElement model) || json.Text(model, "type", "?") != "BPE")
            throw json.Fail("'model.type' is not BPE; this converter reads byte-level BPE vocabularies.");
        _isSentencePiece = IsGemmas(model);
        PreTokenizer = _isSentencePiece ? "default" : FindPreTokenizer(model);
        _tokens = new string[vocabulary];
        _types = new int[vocabulary];
        AddVocabulary(model);
        AddSpecials();
        for (int id = 0; id < vocabulary; id++)
        {
            if (_tokens[id] is null)
                (_tokens[id], _types[id]) = ($"[PAD{id}]", Unused);
        }

        Merges = ReadMerges(model);
        if (_isSentencePiece)
            MarkBytes(model);
    }

    /// <summary><c>tokenizer.ggml.pre</c>.</summary>
    public string PreTokenizer { get; }

    private string[] Merges { get; }

    /// <param name="writer">Gets the keys.</param>
    /// <param name="settings">tokenizer_config.json, or null.</param>
    /// <param name="config">config.json.</param>
    /// <param name="template">The chat template, or null.</param>
    public void AddTo(GgufWriter writer, HuggingFaceJson? settings, HuggingFaceJson config, string? template)
    {
        writer.Add("tokenizer.ggml.model", _isSentencePiece ? "llama" : "gpt2")
            .Add("tokenizer.ggml.pre", PreTokenizer)
            .Add("tokenizer.ggml.tokens", _tokens)
            .Add("tokenizer.ggml.token_type", _types);
        if (_isSentencePiece)
            writer.Add("tokenizer.ggml.scores", Scores()).Add("tokenizer.ggml.add_space_prefix", false);
        else
            writer.Add("tokenizer.ggml.merges", Merges);
        AddId(writer, "bos", settings, config);
        AddId(writer, "eos", settings, config);
        AddId(writer, "pad", settings, config, "padding");
        if (settings is not null && HuggingFaceJson.Has(settings.Root, "add_bos_token", out _))
            writer.Add("tokenizer.ggml.add_bos_token", settings.Flag("add_bos_token", fallback: false));
        if (template is not null)
            writer.Add("tokenizer.chat_template", template);
    }

    /// <summary>The template of a chat: a file of its own, or in the settings; where these have several, the one called default.</summary>
    public static string? Template(string folder, HuggingFaceJson? settings)
    {
        string own = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(own))
            return File.ReadAllText(own);
        if (settings is null || !HuggingFaceJson.Has(settings.Root, "chat_template", out JsonElement template))
            return null;
        if (template.ValueKind == JsonValueKind.String)
            return template.GetString();
        return template.ValueKind == JsonValueKind.Array && template.EnumerateArray().FirstOrDefault(static t => t.ValueKind == JsonValueKind.Object
            && t.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String && name.GetString() == "default") is { ValueKind: JsonValueKind.Object } one
            ? settings.Text(one, "template") : throw settings.Fail("'chat_template' is neither a text nor a list with one called default.");
    }

    // spaces are only marked, none is put in front, and what is no token goes by its bytes
    private bool IsGemmas(JsonElement model) => HuggingFaceJson.Has(model, "byte_fallback", out JsonElement falls) && falls.ValueKind == JsonValueKind.True
        && HuggingFaceJson.Has(_json.Root, "normalizer", out JsonElement normalizer) && _json.Text(normalizer, "type", "?") == "Replace"
        && HuggingFaceJson.Has(normalizer, "pattern", out JsonElement pattern) && _json.Text(pattern, "String", "?") == " " && _json.Text(normalizer, "content", "?") == "\u2581"
        && (!HuggingFaceJson.Has(_json.Root, "pre_tokenizer", out JsonElement pre)
            || (_json.Text(pre, "type", "?") == "Split" && HuggingFaceJson.Has(pre, "pattern", out JsonElement cut) && _json.Text(cut, "String", "?") == " "));

    private void MarkBytes(JsonElement model)
    {
        for (int value = 0; value < 256; value++)
        {
            if (_ids.TryGetValue($"<0x{value:X2}>", out int id))
                _types[id] = Byte;
        }

        if (_ids.TryGetValue(_json.Text(model, "unk_token", "<unk>"), out int unknown))
            _types[unknown] = Unknown;
    }

    private float[] Scores()
    {
        float[] scores = new float[_tokens.Length];
        Array.Fill(scores, -Merges.Length);
        for (int rank = Merges.Length - 1; rank >= 0; rank--)
        {
            if (_ids.TryGetValue(Merges[rank].Replace(" ", "", StringComparison.Ordinal), out int id))
                scores[id] = -rank;
        }

        return scores;
    }

    private string FindPreTokenizer(JsonElement model)
    {
        if (!HuggingFaceJson.Has(_json.Root, "pre_tokenizer", out JsonElement pre))
            throw _json.Fail("'pre_tokenizer' is missing; expected a byte-level one. A SentencePiece vocabulary cannot be converted from tokenizer.json, which lacks its scores.");
        JsonElement[] steps = HuggingFaceJson.Has(pre, "pretokenizers", out JsonElement list) && list.ValueKind == JsonValueKind.Array ? [.. list.EnumerateArray()] : [pre];
        string[] kinds = [.. steps.Select(step => _json.Text(step, "type", "?"))];
        if (kinds is ["ByteLevel"])
            return "gpt-2";
        if (kinds is ["Split", "ByteLevel"] && HuggingFaceJson.Has(steps[0], "pattern", out JsonElement pattern))
        {
            switch (_json.Text(pattern, "Regex", "?"))
            {
                case Qwen2Words:
                    return "qwen2";
                case Llama3Words:
                    return HuggingFaceJson.Has(model, "ignore_merges", out JsonElement ignores) && ignores.ValueKind == JsonValueKind.True ? "llama-bpe" : "smaug-bpe";
            }
        }

        throw _json.Fail($"the pre-tokenizer ({string.Join(", ", kinds)}) cuts words by a rule that this converter does not know; expected GPT-2's, Llama 3's or Qwen 2's. Another rule would cut in wrong places.");
    }

    private void AddVocabulary(JsonElement model)
    {
        if (!HuggingFaceJson.Has(model, "vocab", out JsonElement vocabulary) || vocabulary.ValueKind != JsonValueKind.Object)
            throw _json.Fail("'model.vocab' is missing; expected an object of tokens and ids.");
        foreach (JsonProperty token in vocabulary.EnumerateObject())
            Add(token.Name, token.Value, Normal);
    }

    private void AddSpecials()
    {
        if (!HuggingFaceJson.Has(_json.Root, "added_tokens", out JsonElement added) || added.ValueKind != JsonValueKind.Array)
            return;
        foreach (JsonElement token in added.EnumerateArray())
        {
            if (!HuggingFaceJson.Has(token, "id", out JsonElement id))
                throw _json.Fail("an entry of 'added_tokens' has no id.");
            bool special = HuggingFaceJson.Has(token, "special", out JsonElement flag) && flag.ValueKind == JsonValueKind.True;
            Add(_json.Text(token, "content"), id, special ? Control : UserDefined);
        }
    }

    private void Add(string token, JsonElement number, int type)
    {
        if (number.ValueKind != JsonValueKind.Number || !number.TryGetInt32(out int id) || id < 0 || id >= _tokens.Length)
            throw _json.Fail($"the token {GgufText.Describe(token, 60)} has the id {number}; expected 0 to {_tokens.Length - 1}, the rows of the embeddings.");
        if (_tokens[id] is { } other && other != token)
            throw _json.Fail($"two tokens have the id {id}: {GgufText.Describe(other, 60)} and {GgufText.Describe(token, 60)}.");
        (_tokens[id], _types[id], _ids[token]) = (token, type, id);
    }

    private string[] ReadMerges(JsonElement model)
    {
        if (!HuggingFaceJson.Has(model, "merges", out JsonElement merges) || merges.ValueKind != JsonValueKind.Array)
            throw _json.Fail("'model.merges' is missing; expected an array.");
        return [.. merges.EnumerateArray().Select(merge => merge.ValueKind switch
        {
            JsonValueKind.String => merge.GetString()!,
            JsonValueKind.Array when merge.GetArrayLength() == 2 && merge[0].ValueKind == JsonValueKind.String && merge[1].ValueKind == JsonValueKind.String
                => $"{merge[0].GetString()} {merge[1].GetString()}",
            _ => throw _json.Fail($"a merge is {GgufText.Describe(merge.GetRawText(), 60)}; expected \"a b\" or [\"a\", \"b\"]."),
        })];
    }

    private void AddId(GgufWriter writer, string role, HuggingFaceJson? settings, HuggingFaceJson config, string? ggufRole = null)
    {
        int? id = null;
        if (settings is not null && HuggingFaceJson.Has(settings.Root, $"{role}_token", out JsonElement token))
        {
            string content = token.ValueKind == JsonValueKind.String ? token.GetString()! : settings.Text(token, "content");
            id = _ids.TryGetValue(content, out int named) ? named : throw settings.Fail($"'{role}_token' is {GgufText.Describe(content, 60)}, which is no token of the vocabulary.");
        }
        else if (HuggingFaceJson.Has(config.Root, $"{role}_token_id", out JsonElement number))
        {
            JsonElement first = number.ValueKind == JsonValueKind.Array && number.GetArrayLength() > 0 ? number[0] : number;
            id = first.ValueKind == JsonValueKind.Number && first.TryGetInt32(out int value) && value >= 0 && value < _tokens.Length ? value
                : throw config.Fail($"'{role}_token_id' is {number}; expected a token's id.");
        }

        if (id is { } found)
            writer.Add($"tokenizer.ggml.{ggufRole ?? role}_token_id", (uint)found);
    }
}
