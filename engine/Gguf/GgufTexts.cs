using System.Collections;

namespace SmolCluster.Engine.Gguf;

/// <summary>The strings of an array value, decoded one at a time while they are enumerated: a vocabulary and its merges are
/// four hundred thousand strings, 20 MB if all of them lived at once, and every reader keeps something smaller.</summary>
internal sealed unsafe class GgufTexts(GgufMapping mapping, string key, long position, int count) : IReadOnlyCollection<string>
{
    public int Count => count;

    /// <exception cref="GgufException">While enumerating: an element is not UTF-8.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public IEnumerator<string> GetEnumerator()
    {
        GgufCursor cursor = Begin();
        try
        {
            for (int i = 0; i < count; i++)
                yield return cursor.ReadText(GgufMetadata.LongestText, "an element", key);
        }
        finally
        {
            mapping.Release();
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private GgufCursor Begin() => new(mapping.Acquire(), mapping.Length, mapping.Path, position);
}
