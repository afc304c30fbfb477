namespace SmolCluster.Contracts;

/// <summary>How likely the model found a token: natural logarithm of its softmax over the model's own logits, before biases,
/// penalties, temperature and whatever else shapes the draw.</summary>
/// <param name="Bytes">Of the token, which may be a part of a character.</param>
/// <param name="Top">The likeliest tokens at this place, likeliest first, ties by id; as many as were asked for.</param>
[GenerateSerializer, Immutable, Alias("SmolCluster.TokenLogprob")]
public sealed record TokenLogprob(
    [property: Id(0)] int Token,
    [property: Id(1)] byte[] Bytes,
    [property: Id(2)] float Logprob,
    [property: Id(3)] IReadOnlyList<TokenLogprob> Top);
