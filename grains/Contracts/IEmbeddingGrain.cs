namespace SmolCluster.Contracts;

/// <summary>Texts as vectors. The key is any word: it names an activation, which is placed where the model is (see
/// <see cref="PlacementWish"/>) and ends with the call.</summary>
[Alias("SmolCluster.IEmbeddingGrain")]
public interface IEmbeddingGrain : IGrainWithStringKey
{
    /// <summary>The mean of the last hidden states of a text's tokens, scaled to length 1. The models here were trained to write, not to embed: their
    /// vectors tell like from unlike, and less well than a model made for it.</summary>
    /// <param name="input">With the token that texts begin with in front, where it is a text and the model has one.</param>
    /// <param name="user">Whose turn it is in the fair queue.</param>
    /// <exception cref="ChatException">It cannot be served; its code says why.</exception>
    [Alias("Embed"), ResponseTimeout("00:10:00")]
    Task<EmbeddedText> Embed(string model, RawPrompt input, string user, CancellationToken cancellation);
}

/// <param name="Vector">[the model's embedding length]</param>
/// <param name="Tokens">Of the text.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.EmbeddedText")]
public sealed record EmbeddedText([property: Id(0)] float[] Vector, [property: Id(1)] int Tokens);
