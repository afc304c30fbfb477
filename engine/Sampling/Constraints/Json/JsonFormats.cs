using System.Collections.Frozen;

namespace SmolCluster.Engine.Sampling.Constraints.Json;

/// <summary>The formats of JSON schema's specification as regular expressions for the whole string. A name that the specification
/// does not have (textarea, int64, …) asserts nothing, as it says; one that it has and that is missing here is refused.</summary>
internal static class JsonFormats
{
    private const string Leap = @"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
    private const string Date = @"(?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))|" + Leap + "-02-29)";
    private const string Time = @"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)";
    private const string Label = @"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    private const string Host = Label + @"(?:\." + Label + ")*";
    private const string Atom = @"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    private const string Byte = @"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)";
    private const string Ipv4 = Byte + @"(?:\." + Byte + "){3}";
    private const string Hex = "[0-9A-Fa-f]";
    private const string Group = Hex + "{1,4}";
    private const string Low = "(?:" + Group + ":" + Group + "|" + Ipv4 + ")";
    private const string Ipv6 = "(?:" + Group + ":){6}" + Low + "|::(?:" + Group + ":){5}" + Low + "|(?:" + Group + ")?::(?:" + Group + ":){4}" + Low
        + "|(?:(?:" + Group + ":){0,1}" + Group + ")?::(?:" + Group + ":){3}" + Low + "|(?:(?:" + Group + ":){0,2}" + Group + ")?::(?:" + Group + ":){2}" + Low
        + "|(?:(?:" + Group + ":){0,3}" + Group + ")?::" + Group + ":" + Low + "|(?:(?:" + Group + ":){0,4}" + Group + ")?::" + Low
        + "|(?:(?:" + Group + ":){0,5}" + Group + ")?::" + Group + "|(?:(?:" + Group + ":){0,6}" + Group + ")?::";
    private const string Escaped = "%" + Hex + Hex;
    private const string Pchar = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|" + Escaped + ")";
    private const string PcharNoColon = "(?:[A-Za-z0-9._~!$&'()*+,;=@-]|" + Escaped + ")";
    private const string Authority = "(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|" + Escaped + @")*@)?(?:\[(?:" + Ipv6 + @")\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|" + Escaped + @")*)(?::\d*)?";
    private const string Segments = "(?:/" + Pchar + "*)*";
    private const string Rooted = "//" + Authority + Segments + "|/(?:" + Pchar + "+" + Segments + ")?";
    private const string QueryAndFragment = @"(?:\?(?:" + Pchar + @"|[/?])*)?(?:#(?:" + Pchar + "|[/?])*)?";
    private const string Uri = "[A-Za-z][A-Za-z0-9+.-]*:(?:" + Rooted + "|" + Pchar + "+" + Segments + "|)" + QueryAndFragment;
    private const string Relative = "(?:" + Rooted + "|" + PcharNoColon + "+" + Segments + "|)" + QueryAndFragment;
    private const string DurationTime = @"T(?:\d+H(?:\d+M(?:\d+S)?)?|\d+M(?:\d+S)?|\d+S)";
    private const string DurationDate = @"(?:\d+Y(?:\d+M(?:\d+D)?)?|\d+M(?:\d+D)?|\d+D)";

    public static FrozenDictionary<string, string> Patterns { get; } = new Dictionary<string, string>
    {
        ["date-time"] = Date + "[Tt]" + Time,
        ["date"] = Date,
        ["time"] = Time,
        ["duration"] = @"P(?:\d+W|" + DurationDate + "(?:" + DurationTime + ")?|" + DurationTime + ")",
        ["email"] = Atom + @"(?:\." + Atom + ")*@" + Host,
        ["hostname"] = Host,
        ["ipv4"] = Ipv4,
        ["ipv6"] = Ipv6,
        ["uri"] = Uri,
        ["uri-reference"] = Uri + "|" + Relative,
        ["uuid"] = Hex + "{8}-" + Hex + "{4}-" + Hex + "{4}-" + Hex + "{4}-" + Hex + "{12}",
        ["json-pointer"] = "(?:/(?:[^~/]|~[01])*)*",
    }.ToFrozenDictionary();

    public static FrozenSet<string> Refused { get; } = new[]
    {
        "regex", "idn-email", "idn-hostname", "iri", "iri-reference", "uri-template", "relative-json-pointer",
    }.ToFrozenSet();
}
