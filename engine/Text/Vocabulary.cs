using System.Globalization;
using System.Text;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Text;

/// <summary>A file's tokens, checked: no duplicates, every normal token in the byte alphabet, every byte that UTF-8 text can
/// hold present. So whatever a person writes has tokens, and tokens have bytes.</summary>
internal sealed class Vocabulary
{
    /// <summary>How SentencePiece writes a space.</summary>
    public const char SpaceMark = '\u2581';

    private readonly string _source;
    private readonly bool _isSentencePiece;
    private readonly TokenType[] _types;
    private readonly int[] _byteTokens = new int[256];
    // normal tokens are indexed: only they are found by merging
    private readonly ByteStrings _tokens;

    /// <param name="source">The file, for messages.</param>
    /// <param name="tokens">As the file writes them.</param>
    /// <param name="types">Of the same length.</param>
    /// <param name="isSentencePiece">Normal tokens are plain text with a mark for spaces, and bytes have tokens of their own type; else
    /// normal tokens are in the byte alphabet.</param>
    /// <exception cref="GgufException">The arrays do not make a usable vocabulary.</exception>
    public Vocabulary(string source, IReadOnlyCollection<string> tokens, IReadOnlyList<long> types, bool isSentencePiece = false)
    {
        _source = source;
        _isSentencePiece = isSentencePiece;
        Array.Fill(_byteTokens, -1);
        if (tokens.Count == 0)
            throw Fail("tokens", "the vocabulary is empty; expected at least the 256 bytes.");
        if (types.Count != tokens.Count)
            throw Fail("token_type", $"the array has {types.Count} elements; expected one for each of the {tokens.Count} tokens.");
        long room = tokens.Sum(token => (long)Encoding.UTF8.GetByteCount(token));
        if (room > Array.MaxLength)
            throw Fail("tokens", $"the tokens take {room} bytes together; expected at most 2 GB.");
        _types = new TokenType[tokens.Count];
        _tokens = new ByteStrings(tokens.Count, (int)room);
        int id = 0;
        foreach (string token in tokens)
        {
            Add(id, token, types[id]);
            id++;
        }
        FindByteTokens();
    }

    public int Length => _types.Length;

    /// <summary>Bytes of the longest normal token.</summary>
    public int LongestNormal { get; private set; }

    public TokenType Type(int id) => _types[id];

    public ReadOnlySpan<byte> Bytes(int id) => _tokens[id];

    /// <summary>The token of a single byte, or -1 for the 13 bytes that UTF-8 never uses where the file leaves them out.</summary>
    public int ByteToken(byte value) => _byteTokens[value];

    /// <summary>The normal token with exactly these bytes, or -1.</summary>
    public int FindNormal(ReadOnlySpan<byte> bytes) => bytes.Length <= LongestNormal ? _tokens.Find(bytes) : -1;

    /// <summary>An exception that names the file and the key <c>tokenizer.ggml.*</c>.</summary>
    public GgufException Fail(string key, string problem) =>
        new($"{_source}: tokenizer.ggml.{key}: {problem} Convert the model again, or get another copy of it.");

    private void Add(int id, string token, long type)
    {
        if (type < (long)TokenType.Normal || type > (long)(_isSentencePiece ? TokenType.Byte : TokenType.Unused))
            throw Fail("token_type", $"token {id} ({Shown(token)}) has type {type}; expected 1 (normal) to {(_isSentencePiece ? "6 (a byte)" : "5 (unused) in a byte-level vocabulary")}.");
        if (token.Length == 0)
            throw Fail("tokens", $"token {id} is empty.");
        _types[id] = (TokenType)type;
        Span<byte> room = _tokens.Room(id);
        if (_types[id] == TokenType.Byte)
        {
            AddByte(id, token, room);
            return;
        }
        if (_isSentencePiece)
        {
            _tokens.Append(id, Encoding.UTF8.GetBytes(token.Replace(SpaceMark, ' '), room));
            if (_types[id] == TokenType.Normal) Index(id, token);
            return;
        }
        if (_types[id] != TokenType.Normal)
        {
            _tokens.Append(id, Encoding.UTF8.GetBytes(token, room));
            return;
        }
        if (ByteAlphabet.ToBytes(token, room) is int odd and >= 0)
            throw Fail("tokens", $"token {id} ({Shown(token)}) is a normal token but its character {odd}, U+{(int)token[odd]:X4}, stands for no byte.");
        _tokens.Append(id, token.Length);
        Index(id, token);
    }

    private void Index(int id, string token)
    {
        if (!_tokens.TryIndex(id))
            throw Fail("tokens", $"token {id} ({Shown(token)}) stands there already as token {_tokens.Find(_tokens[id])}; expected each once.");
        LongestNormal = Math.Max(LongestNormal, _tokens[id].Length);
    }

    private void AddByte(int id, string token, Span<byte> room)
    {
        if (token.Length != 6 || !token.StartsWith("<0x", StringComparison.Ordinal) || token[5] != '>' || !byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
            throw Fail("tokens", $"token {id} is a byte but is called {Shown(token)}; expected <0x00> to <0xFF>.");
        if (_byteTokens[value] >= 0)
            throw Fail("tokens", $"the byte 0x{value:X2} has two tokens, {_byteTokens[value]} and {id}.");
        room[0] = value;
        _tokens.Append(id, 1);
        _byteTokens[value] = id;
    }

    private void FindByteTokens()
    {
        for (int value = 0; value < 256; value++)
        {
            if (!_isSentencePiece) _byteTokens[value] = _tokens.Find([(byte)value]);
            bool inText = value is not (0xC0 or 0xC1 or >= 0xF5);
            if (_byteTokens[value] < 0 && inText)
                throw Fail("tokens", $"there is no token for the byte 0x{value:X2}, so not every text could be written.");
        }
    }

    /// <summary>A token for a message: bounded, no control characters.</summary>
    public static string Shown(string token) => GgufText.Describe(token, 60);
}
