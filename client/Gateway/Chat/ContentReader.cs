using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Reads a message's content: a string, or parts of text, which are joined with nothing in between.</summary>
internal static class ContentReader
{
    private static readonly FrozenSet<string> PartFields = new[] { "type", "text" }.ToFrozenSet();

    public static string Read(RequestObject message)
    {
        var content = message.Require("content");
        string path = message.PathOf("content");
        return content.ValueKind switch
        {
            JsonValueKind.String => content.GetString()!,
            JsonValueKind.Array => ReadParts(content, path),
            _ => throw RequestObject.WrongType(path, "a string or an array of text parts", content),
        };
    }

    /// <summary>Beside tool calls: none and an empty text are the same.</summary>
    public static string ReadOptional(RequestObject message) =>
        message.Find("content") is { } content && !(content.ValueKind == JsonValueKind.Array && content.GetArrayLength() == 0) ? Read(message) : "";

    private static string ReadParts(JsonElement parts, string path)
    {
        if (parts.GetArrayLength() == 0)
            throw RequestObject.Refuse(path, "empty_array", $"Invalid '{path}': it must hold at least one part.");
        var text = new StringBuilder();
        int index = 0;
        foreach (var element in parts.EnumerateArray())
            text.Append(ReadPart(new(element, $"{path}[{index++}]")));
        return text.ToString();
    }

    private static string ReadPart(RequestObject part)
    {
        string type = RequestObject.Text(part.Require("type"), part.PathOf("type"));
        if (type != "text")
            throw RequestObject.Refuse(part.PathOf("type"), "unsupported_content",
                $"Invalid '{part.PathOf("type")}': {RequestObject.Shorten(part.Require("type"))} parts are not supported; the models here "
                + "read text only, in parts of type 'text'.");
        part.RefuseUnknown(PartFields);
        return RequestObject.Text(part.Require("text"), part.PathOf("text"));
    }
}
