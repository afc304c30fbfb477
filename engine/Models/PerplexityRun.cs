using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Kernels;

namespace SmolCluster.Engine.Models;

/// <param name="Value">e to the mean of −log p.</param>
/// <param name="Error">Its standard error.</param>
/// <param name="Tokens">Predictions that count.</param>
public sealed record Perplexity(double Value, double Error, int Tokens, int Chunks);

/// <summary>How well a model predicts a text: the text in chunks of a context's length, each read from an empty context, of which
/// the second half's predictions count, as llama.cpp's perplexity program has it, so that the figures compare.</summary>
public static class PerplexityRun
{
    /// <param name="tokens">Of the whole text; what does not fill the last chunk is left out.</param>
    /// <param name="begin">Put in place of each chunk's first token, as models expect that were trained so; null: nothing is.</param>
    /// <param name="context">Tokens of a chunk, even, at most the model's context.</param>
    /// <param name="progress">Told the result so far and the share done.</param>
    /// <exception cref="ArgumentException">Fewer tokens than two chunks have, or a context out of range.</exception>
    public static Perplexity Compute(GgufFile file, ReadOnlyMemory<int> tokens, int? begin, int context, LogitsOptions options, Action<Perplexity, double>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ModelConfig config = ModelConfig.From(file);
        if (context < 8 || context > config.ContextLength)
            throw new ArgumentException($"A chunk of {context} tokens is out of range; expected 8 to {config.ContextLength}, the model's context.", nameof(context));
        int chunks = tokens.Length / context;
        if (chunks < 1)
            throw new ArgumentException($"The text has {tokens.Length} tokens; expected at least {context}, one chunk.", nameof(tokens));
        using var team = new ThreadTeam(options.Threads);
        using var transformer = new Transformer(file, config, team, options.Batch, options.Arithmetic, options.Twin);
        using var pool = new KvPagePool(new KvLayout(config, options.KvType), KvLayout.Pages(context));
        float[] logits = new float[checked(options.Batch * config.VocabularyLength)];
        double sum = 0, squares = 0;
        int count = 0;
        Perplexity result = new(0, 0, 0, 0);
        for (int chunk = 0; chunk < chunks; chunk++)
        {
            int[] ids = tokens.Slice(chunk * context, context).ToArray();
            foreach (double loss in Losses(transformer, pool, ids, begin, options.Batch, logits, config.VocabularyLength))
            {
                sum += loss;
                squares += loss * loss;
                count++;
            }

            double mean = sum / count, deviation = Math.Sqrt(Math.Max(0, (squares / count) - (mean * mean)) / Math.Max(1, count - 1));
            result = new Perplexity(Math.Exp(mean), Math.Exp(mean) * deviation, count, chunk + 1);
            progress?.Invoke(result, (chunk + 1.0) / chunks);
        }

        return result;
    }

    private static List<double> Losses(Transformer transformer, KvPagePool pool, int[] ids, int? begin, int batch, float[] logits, int vocabulary)
    {
        int[] input = [.. ids];
        if (begin is { } token)
            input[0] = token;
        using var sequence = new KvSequence(pool);
        sequence.TryReserve(input.Length);
        var losses = new List<double>(input.Length / 2);
        for (int at = 0; at < input.Length; at += batch)
        {
            int count = Math.Min(batch, input.Length - at);
            transformer.Forward([new BatchSlice(sequence, input.AsMemory(at, count), LogitRows.All)], logits);
            for (int i = 0; i < count; i++)
            {
                if (at + i >= input.Length / 2 && at + i + 1 < input.Length)
                    losses.Add(Loss(logits.AsSpan(i * vocabulary, vocabulary), ids[at + i + 1]));
            }
        }

        return losses;
    }

    private static double Loss(ReadOnlySpan<float> logits, int target)
    {
        float largest = float.NegativeInfinity;
        foreach (float logit in logits)
            largest = MathF.Max(largest, logit);
        double sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp(logit - largest);
        return Math.Log(sum) - (logits[target] - largest);
    }
}
