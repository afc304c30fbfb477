using System.Security.Cryptography;
using System.Text;
using SmolCluster.Contracts;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Answering;

/// <summary>Pieces of an answer as its events. The ids of calls are a function of the answer's id and the call's index, so that
/// whoever goes on with the answer gives the same call the same id.</summary>
internal sealed class AnswerEvents(string answer, IChatModel model)
{
    public AnswerDelta Delta(long number, AnswerPiece piece) => piece.Part switch
    {
        { Kind: PartKind.Text } part => new TextDelta(number, part.Text, piece.Tokens) { Logprobs = piece.Logprobs is { } told ? [.. told.Select(Told)] : null },
        { Kind: PartKind.Reasoning } part => new ReasoningDelta(number, part.Text, piece.Tokens),
        var part => new ToolCallDelta(number, part.Call, part.Name is null ? null : CallId(part.Call), part.Name, part.Text, piece.Tokens),
    };

    private TokenLogprob Told(TokenLogprobs token) => Told(token.Token, token.Logprob) with { Top = [.. token.Top.Select(one => Told(one.Token, one.Logprob))] };

    private TokenLogprob Told(int token, float logprob) => new(token, model.Bytes(token).ToArray(), logprob, []);

    private string CallId(int call) =>
        "call_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{answer}/{call}")).AsSpan(0, 12));
}
