using System.Globalization;

namespace SmolCluster.Cli.Bench;

/// <summary>What a case's figure was measured with, where its name does not say it.</summary>
internal static class CaseNote
{
    public static string? Of(BenchCase measured, ContenderReply reply) => measured.Measure switch
    {
        Measure.Lookup when reply.Drafts is [var drafted, var accepted] => string.Create(CultureInfo.InvariantCulture,
            $"an answer that repeats its prompt with one token in {ModelFacts.EditedTokens} changed; {accepted} of {drafted} tokens guessed ahead came true. Compare with {BenchCase.OneUser.Name}."),
        Measure.Fairness when Figures.Gaps(reply) is var (alone, flooded) => string.Create(CultureInfo.InvariantCulture,
            $"median gap between tokens of {measured.Users} users: {alone:0} ms among themselves, {flooded:0} ms beside one who sends prompts of {reply.FloodTokens} tokens without pause."),
        _ => null,
    };
}
