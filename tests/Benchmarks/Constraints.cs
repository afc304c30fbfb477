using BenchmarkDotNet.Attributes;
using SmolCluster.Benchmarks.Reporting;
using SmolCluster.Engine.Sampling.Constraints;

namespace SmolCluster.Benchmarks;

/// <summary>What the masks of a constraint cost over a vocabulary of SmolLM3's size. The tokens are made up: words of two to eight
/// letters, with a space or without, and for one in sixteen with what JSON has around words.</summary>
public class Constraints : IWork
{
    private const int Vocabulary = 128_256;
    private const string Schema = """
        {"type":"object","properties":{"name":{"type":"string"},"code":{"type":"string","maxLength":200},"size":{"type":"number","minimum":0}},"required":["name","code","size"]}
        """;

    private readonly float[] _logits = new float[Vocabulary];
    private readonly TokenConstraint _constraint;
    private readonly ConstraintCompiler _compiler;
    private readonly int[] _inName, _inCode;
    private readonly ConstraintPlace _known;
    private int _position;

    public Constraints()
    {
        Random random = new(7);
        byte[][] tokens = [.. Enumerable.Range(0, Vocabulary - 1).Select(id => id < 256 ? [(byte)id] : Word(random)).DistinctBy(Convert.ToHexString)];
        ConstraintVocabulary vocabulary = new(Vocabulary, id => id < tokens.Length ? tokens[id] : [], static _ => false, static id => id == Vocabulary - 1);
        _compiler = new ConstraintCompiler(() => vocabulary);
        _constraint = _compiler.Compile(new(ConstraintKind.JsonSchema, Schema));
        _inName = [.. "{\"name\": \"a"u8.ToArray().Select(static b => (int)b)];
        _inCode = [.. "{\"name\": \"a\", \"code\": \""u8.ToArray().Select(static b => (int)b), .. Enumerable.Repeat((int)'x', 200)];
        _constraint.Mask(_inName, ref _known);
    }

    /// <summary>A state met before, as nearly all are: a look-up, and the logits.</summary>
    [Benchmark]
    public void KnownState()
    {
        ConstraintPlace place = _known;
        if (_constraint.TryMask([], ref place, out TokenMask? mask)) mask.Apply(_logits);
    }

    /// <summary>A new state a token: within a string whose length is counted. All is forgotten before.</summary>
    [Benchmark(OperationsPerInvoke = 150)]
    public void NewStates()
    {
        _constraint.Forget();
        ConstraintPlace place = default;
        for (int i = _inCode.Length - 199; i < _inCode.Length - 49; i++) _constraint.Mask(_inCode.AsSpan(place.Tokens..i), ref place).Apply(_logits);
    }

    /// <summary>A schema never seen before, to its first mask.</summary>
    [Benchmark]
    public void CompileAndBegin()
    {
        ConstraintPlace place = default;
        _compiler.Compile(new(ConstraintKind.JsonSchema, Schema.Replace("name", $"name{_position++}", StringComparison.Ordinal))).Mask([], ref place).Apply(_logits);
    }

    private static byte[] Word(Random random)
    {
        string word = new([.. Enumerable.Range(0, random.Next(2, 9)).Select(_ => (char)('a' + random.Next(26)))]);
        string around = random.Next(16) != 0 ? "{0}" : ((string[])["{0}\"", "\"{0}", "{0}\",", "\\{0}", "{0}\n", "\": {0}"])[random.Next(6)];
        return System.Text.Encoding.ASCII.GetBytes((random.Next(2) == 0 ? " " : "") + string.Format(System.Globalization.CultureInfo.InvariantCulture, around, word));
    }
}
