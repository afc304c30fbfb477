namespace SmolCluster.Contracts;

/// <summary>A model's tokenizer and chat template, for anyone who wants to know without asking for an answer. The key is any word: it
/// names an activation, which is placed where the model is (see <see cref="PlacementWish"/>) and ends with the call.</summary>
[Alias("SmolCluster.ITokenizerGrain")]
public interface ITokenizerGrain : IGrainWithStringKey
{
    /// <summary>The prompt that a chat's messages, tools and settings make: exactly what its answer would count as prompt tokens.</summary>
    /// <exception cref="ChatException">The request cannot be served; its code says why. A prompt that is too long can be counted.</exception>
    [Alias("EncodeChat")]
    Task<TokenizedText> EncodeChat(ChatRequest request);

    /// <param name="addBegin">Whether the token that texts begin with comes first, where the model has one.</param>
    /// <param name="parseSpecial">Whether names of special tokens in the text become these tokens.</param>
    /// <exception cref="ChatException">The model is not here, loads still, or failed.</exception>
    [Alias("Encode")]
    Task<TokenizedText> Encode(string model, string text, bool addBegin, bool parseSpecial);

    /// <summary>The bytes of each token, which may be a part of a character; a special token's are its name.</summary>
    /// <exception cref="ChatException">InvalidPrompt: the model has no such token. Or it is not here, loads still, or failed.</exception>
    [Alias("Decode")]
    Task<IReadOnlyList<byte[]>> Decode(string model, IReadOnlyList<int> tokens);
}

/// <param name="ContextLength">The model's, prompt and answer together.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.TokenizedText")]
public sealed record TokenizedText([property: Id(0)] IReadOnlyList<int> Tokens, [property: Id(1)] int ContextLength);
