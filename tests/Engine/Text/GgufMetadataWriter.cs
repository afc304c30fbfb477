using System.Text;

namespace SmolCluster.Engine.Tests.Text;

/// <summary>Writes a GGUF file without tensors, so that a test can hand the tokenizer any vocabulary.</summary>
internal static class GgufMetadataWriter
{
    public static void Write(string path, IReadOnlyDictionary<string, object> values)
    {
        using BinaryWriter writer = new(File.Create(path));
        writer.Write("GGUF"u8);
        writer.Write(3u);
        writer.Write(0UL);
        writer.Write((ulong)values.Count);
        foreach ((string key, object value) in values)
        {
            Text(writer, key);
            Value(writer, value);
        }
    }

    private static void Value(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case uint number: writer.Write(4u); writer.Write(number); break;
            case bool flag: writer.Write(7u); writer.Write(flag); break;
            case string text: writer.Write(8u); Text(writer, text); break;
            case string[] texts:
                writer.Write(9u); writer.Write(8u); writer.Write((ulong)texts.Length);
                foreach (string text in texts) Text(writer, text);
                break;
            case int[] numbers:
                writer.Write(9u); writer.Write(5u); writer.Write((ulong)numbers.Length);
                foreach (int number in numbers) writer.Write(number);
                break;
            default: throw new ArgumentException($"No test needed a {value.GetType()} yet.", nameof(value));
        }
    }

    private static void Text(BinaryWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }
}
