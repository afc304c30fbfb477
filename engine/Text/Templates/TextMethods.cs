using System.Collections.Frozen;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>The methods of Python's str that templates call.</summary>
internal static class TextMethods
{
    private delegate Value Method(Rendering rendering, TextValue self, Arguments arguments);

    private static readonly FrozenDictionary<string, Func<Rendering, TextValue, Arguments, Value>> Methods = new Dictionary<string, Method>
    {
        ["strip"] = (r, s, a) => TextOperations.Strip(r, s, a.Bind("strip", "chars")[0], atStart: true, atEnd: true),
        ["lstrip"] = (r, s, a) => TextOperations.Strip(r, s, a.Bind("lstrip", "chars")[0], atStart: true, atEnd: false),
        ["rstrip"] = (r, s, a) => TextOperations.Strip(r, s, a.Bind("rstrip", "chars")[0], atStart: false, atEnd: true),
        ["upper"] = (r, s, a) => TextOperations.Upper(r, s),
        ["lower"] = (r, s, a) => TextOperations.Lower(r, s),
        ["casefold"] = (r, s, a) => TextOperations.Lower(r, s),
        ["title"] = (r, s, a) => TextOperations.Title(r, s, static c => !char.IsLetter(c)),
        ["capitalize"] = (r, s, a) => TextOperations.Capitalize(r, s),
        ["swapcase"] = (r, s, a) => TextOperations.SwapCase(r, s),
        ["replace"] = Replace,
        ["split"] = (r, s, a) => Split(r, s, a, fromEnd: false),
        ["rsplit"] = (r, s, a) => Split(r, s, a, fromEnd: true),
        ["splitlines"] = (r, s, a) => new ListValue(TextOperations.SplitLines(r, s, Coerce.ToBoolean(a.Bind("splitlines", "keepends")[0], false))),
        ["join"] = (r, s, a) => TextOperations.Join(r, s, Coerce.ToItems(r, a.Require("join", 1, "iterable")[0]), onlyTexts: true),
        ["startswith"] = (r, s, a) => Affix(s, a, "startswith", static (text, part) => text.StartsWith(part, StringComparison.Ordinal)),
        ["endswith"] = (r, s, a) => Affix(s, a, "endswith", static (text, part) => text.EndsWith(part, StringComparison.Ordinal)),
        ["removeprefix"] = (r, s, a) => RemovePrefix(s, Coerce.ToText(a.Require("removeprefix", 1, "prefix")[0], "a prefix")),
        ["removesuffix"] = (r, s, a) => RemoveSuffix(s, Coerce.ToText(a.Require("removesuffix", 1, "suffix")[0], "a suffix")),
        ["partition"] = (r, s, a) => Partition(s, a, "partition", part => TextSearch.IndexOf(r, s.Content, part, 0), found: 0),
        ["rpartition"] = (r, s, a) => Partition(s, a, "rpartition", part => TextSearch.LastIndexOf(r, s.Content, part), found: 2),
        ["find"] = (r, s, a) => Find(r, s, a, "find", isLast: false) ?? new IntegerValue(-1),
        ["rfind"] = (r, s, a) => Find(r, s, a, "rfind", isLast: true) ?? new IntegerValue(-1),
        ["index"] = (r, s, a) => Find(r, s, a, "index", isLast: false) ?? throw new TemplateFault("the text looked for is not there"),
        ["rindex"] = (r, s, a) => Find(r, s, a, "rindex", isLast: true) ?? throw new TemplateFault("the text looked for is not there"),
        ["count"] = Count,
        ["isdigit"] = (r, s, a) => All(s, char.IsDigit),
        ["isdecimal"] = (r, s, a) => All(s, char.IsDigit),
        ["isnumeric"] = (r, s, a) => All(s, char.IsNumber),
        ["isalpha"] = (r, s, a) => All(s, char.IsLetter),
        ["isalnum"] = (r, s, a) => All(s, char.IsLetterOrDigit),
        ["isspace"] = (r, s, a) => All(s, PythonText.IsSpace),
        ["isascii"] = (r, s, a) => BooleanValue.Of(s.Content.All(char.IsAscii)),
        ["isupper"] = (r, s, a) => BooleanValue.Of(s.Content.Any(char.IsUpper) && !s.Content.Any(char.IsLower)),
        ["islower"] = (r, s, a) => BooleanValue.Of(s.Content.Any(char.IsLower) && !s.Content.Any(char.IsUpper)),
        ["ljust"] = (r, s, a) => Pad(r, s, a, "ljust", static _ => 0),
        ["rjust"] = (r, s, a) => Pad(r, s, a, "rjust", static padding => padding),
        ["center"] = (r, s, a) => Pad(r, s, a, "center", static padding => padding / 2),
        ["zfill"] = ZeroFill,
        ["format"] = BraceFormat.Format,
    }.ToFrozenDictionary(entry => entry.Key, entry => Charged(entry.Value), StringComparer.Ordinal);

    public static Func<Rendering, TextValue, Arguments, Value>? Find(string name) => Methods.GetValueOrDefault(name);

    // every method looks at its text and most copy it, so that each call costs the text's length whatever else it does
    private static Func<Rendering, TextValue, Arguments, Value> Charged(Method method) => (rendering, self, arguments) =>
    {
        rendering.ChargeText(self.Content.Length);
        return method(rendering, self, arguments);
    };

    private static TextValue Replace(Rendering rendering, TextValue self, Arguments arguments)
    {
        Value[] a = arguments.Require("replace", 2, "old", "new", "count");
        return TextOperations.Replace(rendering, self, Coerce.ToText(a[0], "what to replace"), Coerce.ToText(a[1], "the replacement"),
            Coerce.ToIndex(a[2], "a count", -1));
    }

    private static ListValue Split(Rendering rendering, TextValue self, Arguments arguments, bool fromEnd)
    {
        Value?[] a = arguments.Bind("split", "sep", "maxsplit");
        int limit = Coerce.ToIndex(a[1], "a limit", -1);
        if (a[0] is { } separator and not NoneValue)
        {
            TextValue text = Coerce.ToText(separator, "a separator");
            return fromEnd ? TextOperations.SplitFromEnd(rendering, self, text, limit) : TextOperations.Split(rendering, self, text, limit);
        }
        if (fromEnd && limit >= 0)
            throw new TemplateFault("rsplit with a limit needs a separator");
        return TextOperations.SplitWords(rendering, self, limit);
    }

    private static BooleanValue Affix(TextValue self, Arguments arguments, string name, Func<string, string, bool> matches)
    {
        Value[] a = arguments.Require(name, 1, name == "startswith" ? "prefix" : "suffix", "start", "end");
        int end = Bound(a[2], self, self.CodePoints);
        int start = Math.Min(Bound(a[1], self, 0), end);
        string content = Lookup.Slice(self, start, end).Content;
        return BooleanValue.Of(a[0] is ListValue { IsTuple: true } list
            ? list.Items.Any(part => matches(content, Coerce.ToText(part, "a part to match").Content))
            : matches(content, Coerce.ToText(a[0], "a part to match").Content));
    }

    private static int Bound(Value? value, TextValue text, int fallback)
    {
        int bound = Coerce.ToIndex(value, "a bound", fallback);
        return Math.Clamp(bound < 0 ? bound + text.CodePoints : bound, 0, text.CodePoints);
    }

    private static TextValue RemovePrefix(TextValue self, TextValue prefix) =>
        self.Content.StartsWith(prefix.Content, StringComparison.Ordinal) ? self.Slice(prefix.Content.Length, self.Content.Length) : self;

    private static TextValue RemoveSuffix(TextValue self, TextValue suffix) =>
        self.Content.EndsWith(suffix.Content, StringComparison.Ordinal) ? self.Slice(0, self.Content.Length - suffix.Content.Length) : self;

    /// <param name="found">Where the whole text goes when the separator is not there.</param>
    private static ListValue Partition(TextValue self, Arguments arguments, string name, Func<string, int> find, int found)
    {
        string separator = Coerce.ToText(arguments.Require(name, 1, "sep")[0], "a separator").Content;
        if (separator.Length == 0)
            throw new TemplateFault("the separator to split at is empty");
        int at = find(separator);
        Value[] parts = [TextValue.Empty, TextValue.Empty, TextValue.Empty];
        if (at < 0)
            parts[found] = self;
        else
            parts = [self.Slice(0, at), self.Slice(at, at + separator.Length), self.Slice(at + separator.Length, self.Content.Length)];
        return new ListValue(parts, isTuple: true);
    }

    private static IntegerValue? Find(Rendering rendering, TextValue self, Arguments arguments, string name, bool isLast)
    {
        Value[] a = arguments.Require(name, 1, "sub", "start", "end");
        string part = Coerce.ToText(a[0], "what to look for").Content;
        int end = Bound(a[2], self, self.CodePoints);
        int start = Bound(a[1], self, 0);
        if (start > end)
            return null;
        string content = Lookup.Slice(self, start, end).Content;
        int at = isLast ? TextSearch.LastIndexOf(rendering, content, part) : TextSearch.IndexOf(rendering, content, part, 0);
        return at < 0 ? null : new IntegerValue(start + TextValue.CountCodePoints(content.AsSpan(0, at)));
    }

    private static IntegerValue Count(Rendering rendering, TextValue self, Arguments arguments)
    {
        string part = Coerce.ToText(arguments.Require("count", 1, "sub")[0], "what to count").Content;
        if (part.Length == 0)
            return new IntegerValue(self.CodePoints + 1);
        int count = 0;
        for (int at = 0; (at = TextSearch.IndexOf(rendering, self.Content, part, at)) >= 0; at += part.Length)
            count++;
        return new IntegerValue(count);
    }

    private static BooleanValue All(TextValue self, Func<char, bool> test) => BooleanValue.Of(self.Content.Length > 0 && self.Content.All(test));

    private static TextValue Pad(Rendering rendering, TextValue self, Arguments arguments, string name, Func<int, int> left)
    {
        Value[] a = arguments.Require(name, 1, "width", "fillchar");
        TextValue fill = a[1] is null ? new TextValue(" ", isScaffold: true) : Coerce.ToText(a[1], "a fill character");
        return TextOperations.Pad(rendering, self, Coerce.ToIndex(a[0], "a width"), fill, left);
    }

    private static TextValue ZeroFill(Rendering rendering, TextValue self, Arguments arguments)
    {
        int width = Coerce.ToIndex(arguments.Require("zfill", 1, "width")[0], "a width");
        int sign = self.Content.Length > 0 && self.Content[0] is '+' or '-' ? 1 : 0;
        TextValue digits = TextOperations.Pad(rendering, self.Slice(sign, self.Content.Length), width - sign, new TextValue("0", isScaffold: true),
            static padding => padding);
        return new TextBuilder(rendering).Append(self, 0, sign).Append(digits).ToText();
    }
}
