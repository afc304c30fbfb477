using System.Globalization;
using System.Text;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>How Python writes and classifies: blanks, floats, quoted texts.</summary>
internal static class PythonText
{
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    /// <summary>The shortest digits that read back as the same number; an exponent below 1e-4 and from 1e16.</summary>
    public static string Float(double value)
    {
        if (double.IsNaN(value))
            return "nan";
        if (double.IsInfinity(value))
            return value > 0 ? "inf" : "-inf";
        return Place(value.ToString("R", CultureInfo.InvariantCulture));
    }

    /// <summary>Shortest digits, in whichever notation .NET chose, in Python's.</summary>
    private static string Place(string shortest)
    {
        string sign = shortest[0] == '-' ? "-" : "";
        int e = shortest.IndexOf('E', StringComparison.Ordinal);
        string mantissa = (e < 0 ? shortest : shortest[..e])[sign.Length..];
        int exponent = e < 0 ? 0 : int.Parse(shortest.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        int point = mantissa.IndexOf('.', StringComparison.Ordinal);
        exponent += (point < 0 ? mantissa.Length : point) - 1;
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        exponent -= digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');
        return digits.Length == 0 ? sign + "0.0" : sign + (exponent is < -4 or >= 16 ? Scientific(digits, exponent) : Positional(digits, exponent));
    }

    private static string Scientific(string digits, int exponent)
    {
        string fraction = digits.Length > 1 ? "." + digits[1..] : "";
        return $"{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent).ToString("00", CultureInfo.InvariantCulture)}";
    }

    private static string Positional(string digits, int exponent)
    {
        if (exponent < 0)
            return "0." + new string('0', -exponent - 1) + digits;
        return digits.Length <= exponent + 1
            ? digits.PadRight(exponent + 1, '0') + ".0"
            : digits[..(exponent + 1)] + "." + digits[(exponent + 1)..];
    }

    /// <summary>repr(): single quotes unless only double ones do without escapes; what cannot be seen is escaped.</summary>
    public static void AppendQuoted(StringBuilder output, string text)
    {
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        output.Append(quote);
        for (int at = 0; at < text.Length;)
        {
            int length = Coerce.CodePointLength(text, at);
            AppendEscaped(output, text.AsSpan(at, length), quote);
            at += length;
        }
        output.Append(quote);
    }

    private static void AppendEscaped(StringBuilder output, ReadOnlySpan<char> character, char quote)
    {
        char c = character[0];
        if (c == quote || c == '\\')
            output.Append('\\').Append(c);
        else if (c is '\n' or '\r' or '\t')
            output.Append('\\').Append(c switch { '\n' => 'n', '\r' => 'r', _ => 't' });
        else if (IsPrintable(character))
            output.Append(character);
        else if (character.Length == 2)
            output.Append(CultureInfo.InvariantCulture, $"\\U{char.ConvertToUtf32(character[0], character[1]):x8}");
        else
            output.Append(c <= 0xFF ? "\\x" : "\\u").Append(((int)c).ToString(c <= 0xFF ? "x2" : "x4", CultureInfo.InvariantCulture));
    }

    private static bool IsPrintable(ReadOnlySpan<char> character)
    {
        if (character[0] == ' ')
            return true;
        UnicodeCategory category = Rune.TryGetRuneAt(character.ToString(), 0, out Rune rune) ? Rune.GetUnicodeCategory(rune) : UnicodeCategory.Surrogate;
        return category is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
    }
}
