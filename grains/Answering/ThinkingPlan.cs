using System.Text;
using SmolCluster.Contracts;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text;

namespace SmolCluster.Answering;

/// <summary>How an answer's reasoning begins and has to end.</summary>
internal static class ThinkingPlan
{
    /// <summary>Whether the prompt has begun the answer's reasoning, as templates of models do that always think.</summary>
    public static bool IsBegunBy(int[] prompt, IChatModel model)
    {
        if (!model.Form.Reasons) return false;
        var tail = new List<byte>();
        for (int i = Math.Max(0, prompt.Length - 4 * AnswerForm.ReasoningBegin.Length); i < prompt.Length; i++)
            tail.AddRange(model.VisibleBytes(prompt[i]));
        return Encoding.UTF8.GetString([.. tail]).AsSpan().TrimEnd().EndsWith(AnswerForm.ReasoningBegin);
    }

    /// <returns>Null: no budget was given, or the model never reasons and so keeps every budget.</returns>
    /// <exception cref="ChatException">NotSupported: the model's tokens do not say for sure where reasoning ends.</exception>
    public static ThinkingBudget? Budget(ThinkingSettings thinking, bool begun, IChatModel model)
    {
        if (thinking.Budget is not { } tokens || !model.Form.Reasons) return null;
        int[] begin = Tokens(AnswerForm.ReasoningBegin), end = Tokens(AnswerForm.ReasoningEnd);
        // in pieces, a mark could be cut into other pieces when the model writes it
        bool bytes = model.LongestToken == 1;
        if (!bytes && (begin.Length > 1 || end.Length > 1))
            throw new ChatException(ChatError.NotSupported, $"The model '{model.Card.Id}' has no tokens of their own for '{AnswerForm.ReasoningBegin}' and "
                + $"'{AnswerForm.ReasoningEnd}', so its reasoning cannot be bounded. Send the request without a thinking budget or reasoning effort.");
        return new ThinkingBudget(begun ? [] : begin, end, Tokens($"\n{AnswerForm.ReasoningEnd}\n"), tokens);

        int[] Tokens(string text) => model.EncodeText(text, addBegin: false, parseSpecial: true);
    }
}
