using System.Text.Json.Nodes;
using SmolCluster.Engine.Sampling.Constraints;

namespace SmolCluster.Engine.Tests.Constraints;

public sealed class SchemaTests
{
    [Theory]
    [InlineData("""{"type":"string"}""", """ "" | "a\u00e9\n\"\\" | "\ud83d\ude42" | "é🙂/" """, """ 1 | "a | "\ud83d" | "\x" | null """)]
    [InlineData("""{"type":["integer","null"],"nullable":true}""", "0 | -12 | null", "01 | 1.0 | \"1\" | true")]
    [InlineData("""{"type":"number"}""", "0 | -1.5e+10 | 12.25", "1. | .5 | +1 | 01 | NaN")]
    [InlineData("""{"enum":["a",1,null,true,{"b":[1,"c"]}]}""", "\"a\" | 1 | null | true | {\"b\": [1, \"c\"]}", "\"b\" | 2 | false | {}")]
    [InlineData("""{"const":"x\ny"}""", "\"x\\ny\"", "\"x\"")]
    [InlineData("""{"type":"string","minLength":2,"maxLength":3}""", "\"ab\" | \"éé\" | \"🙂\\n\\u00e9\"", "\"a\" | \"abcd\"")]
    [InlineData("""{"type":"string","pattern":"^[a-z]+$","maxLength":3}""", "\"abc\" | \"a\"", "\"abcd\" | \"\" | \"A\"")]
    [InlineData("""{"type":"string","pattern":"b|^c"}""", "\"abz\" | \"cz\" | \"\\\"b\"", "\"ac\" | \"\"")]
    [InlineData("""{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":2}""", "[1] | [1, 2] | [1,2]", "[] | [1, 2, 3] | [\"1\"]")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false}""", "[] | [\"a\"] | [\"a\", 1]", "[1] | [\"a\", 1, 2]")]
    [InlineData("""{"type":"array","prefixItems":[{"type":"string"}],"items":{"type":"null"},"minItems":2}""", "[\"a\", null] | [\"a\", null, null]", "[\"a\"] | [null, null]")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"},"b":{}},"required":["b"]}""", "{\"a\": 1, \"b\": [{}]} | {\"b\":2} | {\n  \"b\": 1\n} | {\"b\": 1, \"c\": 2}",
        "{} | {\"a\": 1} | {\"a\": \"1\", \"b\": 1} | {\"b\": 1, \"a\": 1} | {\"b\": 1, \"b\": 2} | {\"b\": 1, \"\\u0061\": \"x\"}")]
    [InlineData("""{"type":"object","properties":{"a":{}},"additionalProperties":false}""", "{} | {\"a\": 1}", "{\"b\": 1}")]
    [InlineData("""{"type":"object","patternProperties":{"^x":{"type":"integer"},"y$":{"minimum":5}},"additionalProperties":{"type":"string"}}""",
        "{\"x1\": 1, \"zz\": \"s\", \"ay\": 7, \"xy\": 5}", "{\"x1\": \"1\"} | {\"zz\": 1} | {\"xy\": 4} | {\"ay\": 1}")]
    [InlineData("""{"type":"object","additionalProperties":{"type":"integer"},"minProperties":1,"maxProperties":2,"propertyNames":{"pattern":"^[a-z]$"}}""",
        "{\"a\": 1} | {\"a\": 1, \"b\": 2}", "{} | {\"A\": 1} | {\"a\": 1, \"b\": 2, \"c\": 3}")]
    [InlineData("""{"$ref":"#/$defs/n","$defs":{"n":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/n"}},"required":["v"],"additionalProperties":false}}}""",
        "{\"v\": 1} | {\"v\": 1, \"next\": {\"v\": 2, \"next\": {\"v\": 3}}}", "{\"next\": {\"v\": 1}} | {\"v\": 1, \"next\": {}}")]
    [InlineData("""{"anyOf":[{"type":"integer"},{"type":"string","format":"date"}]}""", "1 | \"2024-02-29\"", "\"2023-02-29\" | \"x\" | 1.5")]
    [InlineData("""{"oneOf":[{"type":"integer"},{"type":"number"},{"type":"null"}]}""", "1.5 | null", "1 | -3")]
    [InlineData("""{"type":"object","properties":{"a":{},"b":{}},"additionalProperties":false,"oneOf":[{"required":["a"]},{"required":["b"]}]}""", "{\"a\": 1} | {\"b\": 1}", "{} | {\"a\": 1, \"b\": 1}")]
    [InlineData("""{"allOf":[{"properties":{"a":{"minimum":3}}},{"properties":{"a":{"type":"integer","maximum":5}},"required":["a"]}],"type":"object"}""", "{\"a\": 3} | {\"a\": 5}", "{\"a\": 2} | {\"a\": 6} | {}")]
    [InlineData("""{"type":"string","not":{"enum":["no","non"]}}""", "\"yes\" | \"n\" | \"none\"", "\"no\" | \"non\" | 1")]
    [InlineData("""{"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"integer"}},"additionalProperties":false,"dependentRequired":{"a":["b"]}}""", "{} | {\"b\": 1} | {\"a\": true, \"b\": 1}", "{\"a\": true}")]
    [InlineData("""{"type":"object","properties":{"k":{"enum":["x","y"]},"v":{}},"required":["k"],"additionalProperties":false,"if":{"properties":{"k":{"const":"x"}}},"then":{"required":["v"]}}""",
        "{\"k\": \"x\", \"v\": 1} | {\"k\": \"y\"}", "{\"k\": \"x\"} | {\"k\": \"z\"}")]
    [InlineData("true", "1 | {\"a\": [null, true, \"\\u0041\"]}", "x | {a: 1}")]
    public void Accepts_ValidAndNothingElse(string schema, string valid, string invalid)
    {
        foreach (Vocabularies vocabulary in new[] { Vocabularies.Bytes, Vocabularies.Demo })
        {
            TokenConstraint constraint = vocabulary.Compile(ConstraintKind.JsonSchema, schema);
            Assert.All(valid.Split(" | "), text => Assert.True(vocabulary.Accepts(constraint, text.Trim(' ')), text));
            Assert.All(invalid.Split(" | "), text => Assert.False(vocabulary.Accepts(constraint, text.Trim(' ')), text));
        }
    }

    [Theory]
    [InlineData("date-time", "2024-02-29T23:59:59Z|1990-12-31T15:59:59.123-08:00", "2023-02-29T00:00:00Z|2024-01-01|2024-13-01T00:00:00Z|2024-01-01T24:00:00Z")]
    [InlineData("time", "00:00:00Z|12:30:00.5+01:00", "12:30|25:00:00Z")]
    [InlineData("duration", "P3Y6M4DT12H30M5S|P2W|PT1S", "P|PT|3Y|P1W2D")]
    [InlineData("email", "a.b+c@example.com", "a@|@b|a b@c.d|a..b@c")]
    [InlineData("hostname", "example.com|a-b", "-a|a_b|")]
    [InlineData("ipv4", "127.0.0.1|255.255.255.255", "256.0.0.1|1.2.3|01.2.3.4")]
    [InlineData("ipv6", "::|::1|2001:db8::ff00:42:8329|1:2:3:4:5:6:7:8|::ffff:1.2.3.4", "1:2:3|:::|1::2::3|1:2:3:4:5:6:7:8:9|12345::")]
    [InlineData("uri", "https://example.com:80/a?b=c#d|mailto:a@b.c|urn:isbn:1|http://[::1]/", "/a|example.com|http://a b|http://a#b#c|1http://a")]
    [InlineData("uri-reference", "../a?b|/a|#x|https://e.com", "a b|http://[x]/")]
    [InlineData("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567e89b12d3a456426614174000|123e4567-e89b-12d3-a456-42661417400g")]
    [InlineData("json-pointer", "|/a/b~0~1", "a|/~2")]
    [InlineData("textarea", "anything|", "")]
    public void Accepts_Formats_AsSpecified(string format, string valid, string invalid)
    {
        TokenConstraint constraint = Vocabularies.Bytes.Compile(ConstraintKind.JsonSchema, $$"""{"type":"string","format":"{{format}}"}""");
        Assert.All(valid.Split('|'), text => Assert.True(Vocabularies.Bytes.Accepts(constraint, $"\"{text}\""), text));
        if (invalid.Length > 0)
            Assert.All(invalid.Split('|'), text => Assert.False(Vocabularies.Bytes.Accepts(constraint, $"\"{text}\""), text));
    }

    /// <summary>Random bounds, and numbers near them, against decimal's own comparison.</summary>
    [Fact]
    public void Accepts_NumbersInRandomRanges_AsTheyCompare()
    {
        Random random = new(5);
        decimal Draw() => Math.Round((decimal)((random.NextDouble() - 0.5) * Math.Pow(10, random.Next(0, 5))), random.Next(0, 4));
        for (int round = 0; round < 120; round++)
        {
            decimal a = Draw(), b = Draw(), least = Math.Min(a, b), most = Math.Max(a, b);
            bool integer = random.Next(2) == 0, exclusive = random.Next(2) == 0 && most > least + 1;
            JsonObject schema = new() { ["type"] = integer ? "integer" : "number", [exclusive ? "exclusiveMinimum" : "minimum"] = least, [exclusive ? "exclusiveMaximum" : "maximum"] = most };
            TokenConstraint? constraint = TryCompile(schema);
            foreach (decimal number in Enumerable.Range(0, 40).Select(_ => Draw()).Concat([least, most, least - 0.001m, most + 0.001m, Math.Floor(least), Math.Ceiling(most), 0, -least]))
            {
                string text = (integer ? Math.Floor(number) : number).ToString("0.####", System.Globalization.CultureInfo.InvariantCulture);
                if (text == "-0") continue;
                decimal value = decimal.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
                bool within = exclusive ? value > least && value < most : value >= least && value <= most;
                Assert.True((constraint is not null && Vocabularies.Bytes.Accepts(constraint, text)) == within, $"{schema.ToJsonString()} and {text}");
            }
        }
    }

    [Theory]
    [InlineData("""{"type":"array","uniqueItems":true}""", ".uniqueItems", "'uniqueItems' is not supported")]
    [InlineData("""{"properties":{"x":{"type":"string","pattern":"(a)\\1"}}}""", ".properties.x.pattern", "refers back")]
    [InlineData("""{"type":"number","multipleOf":0.5}""", ".multipleOf", "'multipleOf' other than 1")]
    [InlineData("""{"type":"array","contains":{"type":"integer"}}""", ".contains", "'contains'")]
    [InlineData("""{"type":"object","unevaluatedProperties":false}""", ".unevaluatedProperties", "not supported")]
    [InlineData("""{"type":"string","format":"regex"}""", ".format", "the format 'regex'")]
    [InlineData("""{"type":"strin"}""", ".type", "no type")]
    [InlineData("""{"$ref":"#/$defs/x"}""", ".$ref", "names nothing")]
    [InlineData("""{"$ref":"http://example.com/schema"}""", ".$ref", "leads out")]
    [InlineData("""{"$ref":"#"}""", ".$ref", "leads to itself")]
    [InlineData("""{"oneOf":[{"type":"string","minLength":1},{"type":"string","maxLength":5}]}""", ".oneOf", "both hold")]
    [InlineData("""{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}""", "", "no JSON value")]
    [InlineData("""{"type":"string","pattern":"^a$","minLength":2}""", "", "no JSON value")]
    [InlineData("""{"type":"integer","minimum":5,"maximum":4}""", "", "no JSON value")]
    [InlineData("false", "", "No text")]
    [InlineData("""{"type":"object","not":{"additionalProperties":false}}""", ".not", "not supported")]
    [InlineData("[]", "", "a schema is expected")]
    [InlineData("{", "", "no JSON")]
    [InlineData("""{"minLength":-1}""", ".minLength", "whole number")]
    [InlineData("""{"required":"a"}""", ".required", "array")]
    public void Compile_NotSupported_SaysWhatAndWhere(string schema, string path, string expected)
    {
        ConstraintException refusal = Assert.Throws<ConstraintException>(() => Vocabularies.Bytes.Compile(ConstraintKind.JsonSchema, schema));
        Assert.Equal(path, refusal.Path);
        Assert.Contains(expected, refusal.Message, StringComparison.Ordinal);
    }

    private static TokenConstraint? TryCompile(JsonObject schema)
    {
        try
        {
            return Vocabularies.Bytes.Compile(ConstraintKind.JsonSchema, schema.ToJsonString());
        }
        catch (ConstraintException refusal) when (refusal.Message.Contains("no JSON value", StringComparison.Ordinal))
        {
            return null; // no integer lies within
        }
    }
}
