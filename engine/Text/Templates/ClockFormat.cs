using System.Globalization;
using System.Text;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>strftime_now: C's format of the time the caller gave, in English whatever the machine speaks.</summary>
internal static class ClockFormat
{
    private static readonly CultureInfo English = CultureInfo.InvariantCulture;

    public static TextValue Format(Rendering rendering, TextValue format)
    {
        var output = new StringBuilder();
        Append(rendering, output, format.Content);
        return rendering.Text(output.ToString(), format.IsScaffold);
    }

    private static void Append(Rendering rendering, StringBuilder output, string format)
    {
        rendering.ChargeText(format.Length);
        for (int at = 0; at < format.Length; at++)
        {
            if (format[at] != '%' || at + 1 == format.Length)
            {
                output.Append(format[at]);
                continue;
            }
            bool isUnpadded = format[at + 1] == '-' && at + 2 < format.Length;
            at += isUnpadded ? 2 : 1;
            string part = Part(rendering.Now, format[at]);
            output.Append(isUnpadded && part.Length > 1 ? part.TrimStart('0', ' ').PadLeft(1, '0') : part);
            Rendering.CheckTextLength(output.Length);
        }
    }

    private static string Part(DateTimeOffset now, char directive) => directive switch
    {
        'a' => now.ToString("ddd", English),
        'A' => now.ToString("dddd", English),
        'b' or 'h' => now.ToString("MMM", English),
        'B' => now.ToString("MMMM", English),
        'c' => $"{now.ToString("ddd MMM", English)} {now.Day,2} {now.ToString("HH:mm:ss yyyy", English)}",
        'C' => (now.Year / 100).ToString("00", English),
        'd' => now.ToString("dd", English),
        'D' or 'x' => now.ToString("MM'/'dd'/'yy", English),
        'e' => now.Day.ToString(English).PadLeft(2),
        'f' => now.ToString("ffffff", English),
        'F' => now.ToString("yyyy-MM-dd", English),
        'G' => ISOWeek.GetYear(now.DateTime).ToString(English),
        'H' => now.ToString("HH", English),
        'I' => now.ToString("hh", English),
        'j' => now.DayOfYear.ToString("000", English),
        'k' => now.Hour.ToString(English).PadLeft(2),
        'l' => now.ToString("%h", English).PadLeft(2),
        'm' => now.ToString("MM", English),
        'M' => now.ToString("mm", English),
        'n' => "\n",
        'p' => now.Hour < 12 ? "AM" : "PM",
        'R' => now.ToString("HH:mm", English),
        's' => now.ToUnixTimeSeconds().ToString(English),
        'S' => now.ToString("ss", English),
        't' => "\t",
        'T' or 'X' => now.ToString("HH:mm:ss", English),
        'u' => (now.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)now.DayOfWeek).ToString(English),
        'U' => ((now.DayOfYear + 6 - (int)now.DayOfWeek) / 7).ToString("00", English),
        'V' => ISOWeek.GetWeekOfYear(now.DateTime).ToString("00", English),
        'w' => ((int)now.DayOfWeek).ToString(English),
        'W' => ((now.DayOfYear + 6 - (((int)now.DayOfWeek + 6) % 7)) / 7).ToString("00", English),
        'y' => now.ToString("yy", English),
        'Y' => now.Year.ToString(English),
        // Hugging Face's clock knows no zone and prints nothing for it
        'z' or 'Z' => "",
        '%' => "%",
        _ => throw new TemplateFault($"'%{directive}' is no part of a time"),
    };
}
