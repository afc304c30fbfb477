using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Conversion;

/// <summary>A GGUF file again with other metadata; tensors stay byte for byte. The parts of a split model become one file.</summary>
public static class MetadataEdit
{
    /// <summary>Writes <paramref name="path"/>; nothing of it is left when it throws.</summary>
    /// <param name="set">Keys to change where they are, or to add at the end.</param>
    /// <param name="remove">Keys to leave out.</param>
    /// <exception cref="GgufException">A key to remove is not there, or the alignment is to change.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static void Write(GgufFile source, string path, IReadOnlyDictionary<string, object> set, IReadOnlyCollection<string> remove, IProgress<double>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(remove);
        if (set.ContainsKey("general.alignment") || remove.Contains("general.alignment"))
            throw new GgufException($"{source.Path}: 'general.alignment' says where tensors lie and cannot be changed by itself.");
        if (remove.FirstOrDefault(key => !source.Metadata.Contains(key)) is { } absent)
            throw new GgufException($"{source.Path}: there is no metadata key '{absent}' to remove. Its keys: {GgufText.List([.. source.Metadata.Keys])}.");
        var writer = new GgufWriter(checked((int)source.Metadata.Integer("general.alignment", 32)));
        foreach (string key in source.Metadata.Keys.Where(key => key != "general.alignment" && !key.StartsWith("split.", StringComparison.Ordinal) && !remove.Contains(key)))
        {
            if (set.TryGetValue(key, out object? changed))
                writer.Add(key, changed);
            else if (source.Metadata.TryGetValue(key, out object? value))
                writer.Add(key, value);
        }

        foreach ((string key, object value) in set.Where(pair => !source.Metadata.Contains(pair.Key) || remove.Contains(pair.Key)))
            writer.Add(key, value);
        foreach (GgufTensor tensor in source.Tensors)
            writer.AddTensor(tensor.Name, tensor.Type, [.. tensor.Dimensions], ModelQuantizer.Copied(source, tensor));
        writer.WriteFile(path, progress);
    }
}
