using System.Globalization;
using System.Text;
using Google.Protobuf;

namespace SmolCluster.Chaos;

/// <summary>A span as it came over OTLP.</summary>
/// <param name="Service">service.name of who sent it.</param>
/// <param name="Parent">Empty: none.</param>
/// <param name="Start">Nanoseconds since 1970.</param>
/// <param name="Failed">Whether its status is an error.</param>
internal sealed record OtlpSpan(string Service, string Trace, string Id, string Parent, string Name, ulong Start, ulong End,
    IReadOnlyDictionary<string, string> Attributes, bool Failed)
{
    public double Milliseconds => (End - Start) / 1e6;

    /// <summary>Reads the body of a POST to /v1/traces: an ExportTraceServiceRequest. Numbers are those of opentelemetry-proto's fields.</summary>
    public static IEnumerable<OtlpSpan> From(byte[] request)
    {
        foreach (var resourceSpans in Fields(request).Where(static field => field.Number == 1).Select(static field => Fields(field.Bytes)))
        {
            var resource = resourceSpans.Where(static field => field.Number == 1).SelectMany(static field => Pairs(Fields(field.Bytes), 1)).ToDictionary();
            foreach (var scope in resourceSpans.Where(static field => field.Number == 2))
                foreach (var span in Fields(scope.Bytes).Where(static field => field.Number == 2))
                    yield return Span(resource.GetValueOrDefault("service.name", ""), Fields(span.Bytes));
        }
    }

    private static OtlpSpan Span(string service, List<Field> fields)
    {
        bool failed = fields.Where(static field => field.Number == 15).SelectMany(static field => Fields(field.Bytes)).Any(static field => field is { Number: 3, Value: 2 });
        return new(service, Hex(1), Hex(2), Hex(4), Word(5), Number(7), Number(8), Pairs(fields, 9).ToDictionary(), failed);

        Field? One(int number) => fields.Find(field => field.Number == number);
        string Hex(int number) => Convert.ToHexStringLower(One(number)?.Bytes ?? []);
        string Word(int number) => Encoding.UTF8.GetString(One(number)?.Bytes ?? []);
        ulong Number(int number) => One(number)?.Value ?? 0;
    }

    private static IEnumerable<KeyValuePair<string, string>> Pairs(List<Field> fields, int number) =>
        from field in fields
        where field.Number == number
        let pair = Fields(field.Bytes)
        let value = pair.Find(static part => part.Number == 2)
        select KeyValuePair.Create(Encoding.UTF8.GetString(pair.Find(static part => part.Number == 1)!.Bytes), value is null ? "" : AnyValue(value.Bytes));

    private static string AnyValue(byte[] value) => Fields(value) is not [var one, ..] ? "" : one.Number switch
    {
        1 => Encoding.UTF8.GetString(one.Bytes),
        4 => BitConverter.UInt64BitsToDouble(one.Value).ToString(CultureInfo.InvariantCulture),
        5 => string.Join(',', Fields(one.Bytes).Select(static item => AnyValue(item.Bytes))),
        _ => ((long)one.Value).ToString(CultureInfo.InvariantCulture),
    };

    private static List<Field> Fields(byte[] message)
    {
        var input = new CodedInputStream(message);
        List<Field> fields = [];
        while (input.ReadTag() is var tag and not 0)
        {
            int number = WireFormat.GetTagFieldNumber(tag);
            fields.Add(WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.LengthDelimited => new(number, 0, input.ReadBytes().ToByteArray()),
                WireFormat.WireType.Fixed64 => new(number, input.ReadFixed64(), []),
                WireFormat.WireType.Fixed32 => new(number, input.ReadFixed32(), []),
                _ => new(number, input.ReadUInt64(), []),
            });
        }
        return fields;
    }

    private sealed record Field(int Number, ulong Value, byte[] Bytes);
}
