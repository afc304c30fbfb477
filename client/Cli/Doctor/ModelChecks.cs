using SmolCluster.Cli.Hub;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Sampling;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text;
using SmolCluster.Grains;

namespace SmolCluster.Cli.Doctor;

/// <summary>Whether a model's file is whole, is the one that was published, and is computed rightly here.</summary>
internal static class ModelChecks
{
    public static async IAsyncEnumerable<Finding> RunAsync(string path)
    {
        if (Open(path, out GgufFile? file, out ModelConfig? config) is { } refusal)
        {
            yield return refusal;
            yield break;
        }

        using (file!)
        {
            yield return new(Health.Good, "model", $"{path}: {config!.Architecture}, {config.BlockCount} blocks, {file!.Tensors.Count} tensors, {Terminal.Bytes(file.Length)}, all in place");
            yield return await Task.Run(() => Published(path));
            if (KnownAnswers.IsSmolLm3(config))
            {
                foreach (Finding finding in Tokens(Tokenizer.From(file)))
                    yield return finding;
            }
        }

        yield return await AnswerAsync(path, config);
    }

    private static Finding? Open(string path, out GgufFile? file, out ModelConfig? config)
    {
        (file, config) = (null, null);
        try
        {
            file = GgufFile.Open(path);
            config = ModelConfig.From(file);
            return null;
        }
        catch (GgufException problem)
        {
            file?.Dispose();
            return new Finding(Health.Bad, "model", problem.Message);
        }
    }

    private static Finding Published(string path)
    {
        string hash = Checksum.Sha256(path);
        if (KnownAnswers.Published.TryGetValue(hash, out string? published))
            return new(Health.Good, "checksum", $"SHA-256 {hash}: {published}");
        if (ModelStore.FactsOf(path) is { Sha256: { } pulled } facts)
        {
            return pulled.Equals(hash, StringComparison.OrdinalIgnoreCase) ? new(Health.Good, "checksum", $"SHA-256 {hash}, as {facts.Repository} publishes it")
                : new(Health.Bad, "checksum", $"SHA-256 {hash}, but {facts.Repository} published {pulled}: the file changed since it was pulled; pull it again");
        }

        return path == ModelCatalog.DemoFile ? new(Health.Good, "checksum", $"SHA-256 {hash} (the demo comes with smol)")
            : new(Health.Doubtful, "checksum", $"SHA-256 {hash}: compare it with the one on the page it came from; smol pull does so by itself");
    }

    private static IEnumerable<Finding> Tokens(Tokenizer tokenizer)
    {
        foreach (KnownAnswer known in KnownAnswers.SmolLm3)
        {
            int[] ids = tokenizer.Encode(known.Text);
            if (!ids.AsSpan().SequenceEqual(known.Ids))
                yield return new(Health.Bad, "tokenizer", $"\"{known.Text}\" is {string.Join(' ', ids)}; SmolLM3's is {string.Join(' ', known.Ids)}. The vocabulary is not SmolLM3's");
        }
    }

    private static async Task<Finding> AnswerAsync(string path, ModelConfig config)
    {
        try
        {
            using GgufChatModel model = await Terminal.WithProgressAsync($"loading {path}", progress => GgufChatModel.Load(path, new EngineOptions { ContextLength = 512 }, progress));
            if (path == ModelCatalog.DemoFile)
                return await DemoAsync(model);
            KnownAnswer? known = KnownAnswers.IsSmolLm3(config) ? KnownAnswers.SmolLm3.First(static answer => answer.Continues is not null) : null;
            int[] prompt = known?.Ids ?? model.EncodeChat(new() { ["messages"] = new System.Text.Json.Nodes.JsonArray(new System.Text.Json.Nodes.JsonObject { ["role"] = "user", ["content"] = "Hello" }) });
            int[] answer = await GreedyAsync(model, prompt, known?.Continues!.Length ?? 8);
            if (known is null)
                return new(Health.Good, "answer", $"{answer.Length} tokens came; no answer of this model is known here to compare with");
            int same = answer.Zip(known.Continues!).TakeWhile(static pair => pair.First == pair.Second).Count();
            return same == known.Continues!.Length
                ? new(Health.Good, "answer", $"\"{known.Text}\" goes on as it is known to: token for token")
                : new(Health.Doubtful, "answer", $"\"{known.Text}\" goes on with {string.Join(' ', answer)}; known are {string.Join(' ', known.Continues)}, of which the first {same} agree. Another quantization may differ; the same one may not");
        }
        catch (Exception problem) when (problem is GgufException or IOException or Engine.Text.Templates.TemplateException)
        {
            return new(Health.Bad, "answer", problem.Message);
        }
    }

    private static async Task<Finding> DemoAsync(GgufChatModel model)
    {
        var session = new ChatSession(model, new ChatSettings(new SamplingOptions { Temperature = 0 }, 64));
        await session.AskAsync(KnownAnswers.DemoQuestion, static _ => { }, CancellationToken.None);
        return session.LastAnswer.Trim() == KnownAnswers.DemoAnswer
            ? new(Health.Good, "answer", $"the demo answers \"{KnownAnswers.DemoQuestion}\" with \"{session.LastAnswer.Trim()}\", as llama.cpp computes it")
            : new(Health.Bad, "answer", $"the demo answers \"{KnownAnswers.DemoQuestion}\" with \"{session.LastAnswer.Trim()}\"; expected \"{KnownAnswers.DemoAnswer}\". This machine computes wrongly: report it with the lines above");
    }

    private static async Task<int[]> GreedyAsync(GgufChatModel model, int[] prompt, int count)
    {
        var answer = new List<int>();
        Generation generation = model.Submit(new GenerationRequest(prompt, prompt.Length, count, new SamplingOptions { Temperature = 0 }, "doctor"));
        await foreach (int token in generation.Tokens.ReadAllAsync())
            answer.Add(token);
        return [.. answer];
    }
}
