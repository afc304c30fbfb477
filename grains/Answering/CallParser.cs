using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace SmolCluster.Answering;

/// <summary>Reads a tool call, {"name": …, "arguments": {…}}, character by character. In this order, which is the one that models
/// are taught, the name is told as soon as it is whole, and the arguments as they come, whatever they turn out to be: a client sees
/// what the model wrote. A call of any other shape is told whole at its end, if it is one.</summary>
internal sealed partial class CallParser
{
    private enum Phase { Head, Arguments, Tail }

    private readonly StringBuilder _raw = new();
    private readonly StringBuilder _arguments = new();
    private Phase _phase = Phase.Head;
    private bool _mayStream = true;
    private bool _named;
    private bool _escaped;
    private int _depth;

    /// <summary>Null: no call so far.</summary>
    public string? Name { get; private set; }

    public bool InString { get; private set; }

    /// <summary>All of it, until there is a name.</summary>
    public string Raw => _raw.ToString();

    public void Append(char next)
    {
        bool opens = !InString && next == '{';
        Track(next);
        if (_phase == Phase.Head)
        {
            _raw.Append(next);
            if (opens && _depth == 2 && _mayStream) EndHead();
        }
        else if (_phase == Phase.Arguments)
        {
            _arguments.Append(next);
            if (_depth < 2) _phase = Phase.Tail;
        }
    }

    /// <summary>What is new: the name once, and more of the arguments.</summary>
    public (string? Name, string Arguments) Take()
    {
        var taken = (_named ? null : Name, _arguments.ToString());
        _named |= Name is not null;
        _arguments.Clear();
        return taken;
    }

    /// <summary>The last of it.</summary>
    public (string? Name, string Arguments) End()
    {
        if (_phase == Phase.Head) ReadWhole();
        return Take();
    }

    private void Track(char next)
    {
        if (InString)
        {
            if (_escaped) _escaped = false;
            else if (next == '\\') _escaped = true;
            else if (next == '"') InString = false;
        }
        else if (next == '"') InString = true;
        else if (next is '{' or '[') _depth++;
        else if (next is '}' or ']') _depth--;
    }

    private void EndHead()
    {
        _mayStream = false;
        if (Head().Match(Raw) is not { Success: true } head || ReadName(head.Groups[1].ValueSpan) is not { } name) return;
        (Name, _phase) = (name, Phase.Arguments);
        _arguments.Append('{');
    }

    private void ReadWhole()
    {
        try
        {
            using var json = JsonDocument.Parse(Raw);
            if (json.RootElement is not { ValueKind: JsonValueKind.Object } call || !call.TryGetProperty("name", out var name)
                || name.ValueKind != JsonValueKind.String)
                return;
            Name = name.GetString();
            _arguments.Append(!call.TryGetProperty("arguments", out var arguments) ? "{}"
                : arguments.ValueKind == JsonValueKind.String ? arguments.GetString() : arguments.GetRawText());
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            // no call; InvalidOperationException: a string that is no text
        }
    }

    private static string? ReadName(ReadOnlySpan<char> json)
    {
        try
        {
            return JsonSerializer.Deserialize<string>(json);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    [GeneratedRegex("""^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*\{$""", RegexOptions.CultureInvariant)]
    private static partial Regex Head();
}
