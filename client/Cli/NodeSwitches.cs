using System.CommandLine;
using System.CommandLine.Parsing;
using SmolCluster.Engine.Caching;
using SmolCluster.Grains;

namespace SmolCluster.Cli;

/// <summary>MODEL and the options of the node that serves it: the same for a server and for a chat in the terminal.</summary>
internal sealed class NodeSwitches
{
    private static readonly string[] s_kvTypes = [.. Enum.GetNames<KvType>().Select(static name => name.ToLowerInvariant())];

    private readonly Argument<string> _model = new("MODEL")
    {
        Description = "A GGUF file; demo: the small model that comes along; stub: canned text",
        Arity = ArgumentArity.ZeroOrOne,
        DefaultValueFactory = static _ => ModelCatalog.DemoPath,
    };

    private readonly Option<string?> _id = new("--id") { Description = "The name clients use (default: the file's name)" };
    private readonly Option<int?> _context = new("--context") { Description = "Prompt and answer together, in tokens (default: the model's limit)" };
    private readonly Option<int?> _threads = new("--threads") { Description = "Threads that compute (default: one a processor)" };
    private readonly Option<string?> _kv = KvOption();

    private readonly Option<int?> _kvMemory = new("--kv-memory") { Description = "Memory for keys and values at most, in MiB (default: half of what the machine has left beside the file)", HelpName = "MIB" };

    public void AddTo(Command command)
    {
        AtLeastOne(_kvMemory);
        AtLeastOne(_context);
        AtLeastOne(_threads);
        command.Add(_model);
        command.Add(_id);
        command.Add(_context);
        command.Add(_threads);
        command.Add(_kv);
        command.Add(_kvMemory);
        _id.Validators.Add(result =>
        {
            if (ModelCatalog.MisleadingId(Model(result)) is { } misleading)
                result.AddError(misleading);
        });
    }

    public SmolClusterOptions Read(ParseResult parsed) => new()
    {
        Models = [Model(parsed.CommandResult)],
        ContextLength = parsed.GetValue(_context),
        Threads = parsed.GetValue(_threads),
        KvType = parsed.GetValue(_kv)?.ToUpperInvariant(),
        KvMemoryMiB = parsed.GetValue(_kvMemory),
        SiloPort = 0,
        GatewayPort = 0,
    };

    /// <summary>Validators run before defaults are filled in, hence the demo's once more.</summary>
    private ModelOptions Model(SymbolResult result) => new() { Path = result.GetValue(_model) ?? ModelCatalog.DemoPath, Id = result.GetValue(_id) };

    public static Option<string?> KvOption()
    {
        var kv = new Option<string?>("--kv") { Description = "How keys and values are kept: f16, f32, or q8_0 in half of f16's memory (default: f16)", HelpName = string.Join('|', s_kvTypes) };
        kv.AcceptOnlyFromAmong(s_kvTypes);
        return kv;
    }

    public static KvType Kv(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) is { } name ? Enum.Parse<KvType>(name, ignoreCase: true) : KvType.F16;

    public static void AtLeastOne(Option<int?> option) => option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int?>() is < 1)
            result.AddError($"{option.Name} must be at least 1.");
    });
}
