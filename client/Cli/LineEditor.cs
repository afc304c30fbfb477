using System.Text;

namespace SmolCluster.Cli;

/// <summary>A line of input with cursor keys and history, for a terminal. A line that ends in a backslash goes on in the next one; what
/// is pasted with line breaks is one message.</summary>
internal sealed class LineEditor(string prompt)
{
    private readonly List<string> _history = [];
    private readonly StringBuilder _text = new();
    private int _cursor, _shownLength, _shownCursor, _recalled;

    /// <summary>A message; null: the input ended (Ctrl-D on an empty line).</summary>
    public string? Read()
    {
        var message = new StringBuilder();
        for (string mark = prompt; ; mark = "· ")
        {
            if (ReadLine(mark) is not { } line)
                return message.Length > 0 ? message.ToString() : null;
            bool goesOn = line.EndsWith('\\');
            message.Append(goesOn ? line[..^1] : line);
            if (!goesOn)
                break;
            message.Append('\n');
        }

        if (message.Length > 0 && (_history.Count == 0 || _history[^1] != message.ToString()))
            _history.Add(message.ToString());
        return message.ToString();
    }

    private string? ReadLine(string mark)
    {
        Console.Error.Write(mark);
        _text.Clear();
        (_cursor, _shownLength, _shownCursor, _recalled) = (0, 0, 0, _history.Count);
        while (true)
        {
            ConsoleKeyInfo key = Console.ReadKey(intercept: true);
            bool control = key.Modifiers.HasFlag(ConsoleModifiers.Control);
            if (key.Key == ConsoleKey.Enter)
            {
                if (Console.KeyAvailable) // a paste: its lines belong together
                {
                    Insert('\n');
                    continue;
                }

                Place(_text.Length);
                Console.Error.Write('\n');
                return _text.ToString();
            }

            if (control && key.Key == ConsoleKey.D && _text.Length == 0)
            {
                Console.Error.Write('\n');
                return null;
            }

            Take(key, control);
        }
    }

    private void Take(ConsoleKeyInfo key, bool control)
    {
        switch (key.Key)
        {
            case ConsoleKey.LeftArrow: Place(control ? WordLeft() : Math.Max(0, _cursor - 1)); break;
            case ConsoleKey.RightArrow: Place(Math.Min(_text.Length, _cursor + 1)); break;
            case ConsoleKey.Home: Place(0); break;
            case ConsoleKey.End: Place(_text.Length); break;
            case ConsoleKey.A when control: Place(0); break;
            case ConsoleKey.E when control: Place(_text.Length); break;
            case ConsoleKey.U when control: Replace("", 0); break;
            case ConsoleKey.K when control: Remove(_cursor, _text.Length - _cursor); break;
            case ConsoleKey.W when control: Remove(WordLeft(), _cursor - WordLeft()); break;
            case ConsoleKey.Backspace when _cursor > 0: Remove(_cursor - 1, 1); break;
            case ConsoleKey.Delete when _cursor < _text.Length: Remove(_cursor, 1); break;
            case ConsoleKey.UpArrow: Recall(_recalled - 1); break;
            case ConsoleKey.DownArrow: Recall(_recalled + 1); break;
            default:
                if (key.KeyChar >= ' ')
                    Insert(key.KeyChar);
                break;
        }
    }

    private int WordLeft()
    {
        int at = _cursor;
        while (at > 0 && _text[at - 1] == ' ')
            at--;
        while (at > 0 && _text[at - 1] != ' ')
            at--;
        return at;
    }

    private void Recall(int number)
    {
        if (number < 0 || number > _history.Count)
            return;
        _recalled = number;
        string line = number == _history.Count ? "" : _history[number];
        Replace(line, line.Length);
    }

    private void Insert(char c)
    {
        _text.Insert(_cursor, c);
        Show(_cursor + 1);
    }

    private void Remove(int start, int count)
    {
        _text.Remove(start, count);
        Show(start);
    }

    private void Replace(string text, int cursor)
    {
        _text.Clear().Append(text);
        Show(cursor);
    }

    private void Place(int cursor) => Show(cursor);

    // back to the line's first column, all of it again, blanks over what is gone, and back to the cursor
    private void Show(int cursor)
    {
        string shown = _text.ToString().Replace('\n', '⏎');
        int gone = Math.Max(0, _shownLength - shown.Length);
        Console.Error.Write(new string('\b', _shownCursor) + shown + new string(' ', gone) + new string('\b', gone + shown.Length - cursor));
        (_cursor, _shownLength, _shownCursor) = (cursor, shown.Length, cursor);
    }
}
