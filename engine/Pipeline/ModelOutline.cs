using SmolCluster.Engine.Caching;
using SmolCluster.Engine.Gguf;
using SmolCluster.Engine.Models;
using SmolCluster.Engine.Serving;

namespace SmolCluster.Engine.Pipeline;

/// <summary>What a model's parts weigh, known from its file's header.</summary>
/// <param name="ContentHash">As <see cref="ModelCard.ContentHash"/>.</param>
/// <param name="FileBytes">Of all parts of the file.</param>
/// <param name="EndBytes">Embedding, head and what else is in no layer.</param>
/// <param name="LayerBytes">Layer by layer.</param>
public sealed record ModelOutline(ModelConfig Config, string ContentHash, long FileBytes, long EndBytes, IReadOnlyList<long> LayerBytes)
{
    /// <exception cref="GgufException">The file cannot be used; the message says why.</exception>
    public static ModelOutline Of(string path)
    {
        using GgufFile file = GgufFile.Open(path);
        ModelConfig config = ModelConfig.From(file);
        Transformer.RequireWholeLanes(file, config);
        long[] layers = new long[config.BlockCount];
        long ends = 0;
        foreach (GgufTensor tensor in file.Tensors)
        {
            if (tensor.Name.StartsWith("blk.", StringComparison.Ordinal))
            {
                layers[int.Parse(tensor.Name.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture)] += tensor.ByteLength;
            }
            else
            {
                ends += tensor.ByteLength;
            }
        }

        return new(config, Serving.ContentHash.Of(file), file.Length, ends, layers);
    }

    /// <summary>Of a page of keys and values for these layers.</summary>
    public long PageBytes(LayerRange range, KvType type) => new KvLayout(Config, type, range.Count).PageBytes;

    /// <summary>Of the weights of these layers, with embedding and head where they belong.</summary>
    public long Bytes(LayerRange range) => LayerBytes.Skip(range.First).Take(range.Count).Sum() + (range.HasEnds ? EndBytes : 0);
}
