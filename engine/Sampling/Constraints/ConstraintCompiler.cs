using System.Text.Json;
using SmolCluster.Engine.Sampling.Constraints.Json;

namespace SmolCluster.Engine.Sampling.Constraints;

/// <summary>Compiles constraints for a model's vocabulary and keeps the last ones, so that requests with the same schema share what
/// is known of it. Time and memory are bounded by <see cref="ConstraintLimits"/>. Thread-safe.</summary>
public sealed class ConstraintCompiler(Func<ConstraintVocabulary> arrange)
{
    private readonly Lazy<ConstraintVocabulary> _vocabulary = new(arrange);
    private readonly Lock _lock = new();
    private readonly LinkedList<(ConstraintSource Source, Thinking Thinking, Lazy<TokenConstraint> Compiled)> _kept = []; // last used first

    /// <exception cref="ConstraintException">It cannot be kept to; the message says why, the path where.</exception>
    public TokenConstraint Compile(ConstraintSource source, Thinking thinking = Thinking.None)
    {
        Lazy<TokenConstraint> compiled;
        lock (_lock)
        {
            var found = _kept.First;
            while (found is not null && (found.Value.Thinking != thinking || found.Value.Source != source)) found = found.Next;
            if (found is not null) _kept.Remove(found);
            found ??= new((source, thinking, new(() => Build(source, thinking))));
            _kept.AddFirst(found);
            if (_kept.Count > ConstraintLimits.Kept) _kept.RemoveLast();
            compiled = found.Value.Compiled;
        }
        return compiled.Value; // a failure is kept as well
    }

    private TokenConstraint Build(ConstraintSource source, Thinking thinking)
    {
        Matcher matcher = new(new ExpressionPool());
        FreeText free = new(matcher.Pool, _vocabulary.Value);
        Expression answer = Answer(source, matcher, free);
        if (answer == matcher.Pool.Fail) throw new ConstraintException("No text can keep to it.");
        return new TokenConstraint(_vocabulary.Value, matcher, AfterThinking(answer, thinking, matcher.Pool, free));
    }

    private static Expression Answer(ConstraintSource source, Matcher matcher, FreeText free)
    {
        TextEncoding plain = new(matcher.Pool);
        return source.Kind switch
        {
            ConstraintKind.Json => new JsonGrammar(matcher.Pool).AnyObject,
            ConstraintKind.JsonSchema => SchemaGrammar.Compile(source.Text, new JsonGrammar(matcher.Pool), matcher),
            ConstraintKind.Regex => new RegexGrammar(matcher, plain).Whole(RegexReader.Read(source.Text)),
            ConstraintKind.Grammar => GbnfGrammar.Compile(source.Text, plain),
            ConstraintKind.Choice => Choice(source.Text, matcher),
            ConstraintKind.ToolCalls => ToolCallGrammar.Compile(source.Text, free, new JsonGrammar(matcher.Pool), matcher),
            _ => throw new ArgumentOutOfRangeException(nameof(source), source.Kind, "No such kind of constraint."),
        };
    }

    private static Expression Choice(string json, Matcher matcher)
    {
        string[]? texts;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            texts = [.. document.RootElement.EnumerateArray().Select(static text => text.GetString()!)];
        }
        catch (Exception problem) when (problem is JsonException or InvalidOperationException)
        {
            throw new ConstraintException("The choice is no array of strings.");
        }
        if (texts.Length == 0) throw new ConstraintException("The choice has no texts to choose from.");
        return new SchemaTexts(new JsonGrammar(matcher.Pool), matcher).OneOf(texts.Distinct(StringComparer.Ordinal).Select(System.Text.Encoding.UTF8.GetBytes));
    }

    private static Expression AfterThinking(Expression answer, Thinking thinking, ExpressionPool pool, FreeText free)
    {
        if (thinking == Thinking.None) return answer;
        Expression lines = pool.Repeat(pool.Literal("\n"u8), 0, 2);
        Expression thought = free.Until("</think>", mayEnd: false, pool.Sequence(lines, answer));
        return thinking == Thinking.Begun ? thought : pool.Choice(answer, pool.Sequence(free.Mark("<think>"), thought));
    }
}
