using System.CommandLine;
using System.CommandLine.Parsing;
using SmolCluster.Cli.Hub;
using SmolCluster.Engine.Caching;
using SmolCluster.Grains;

namespace SmolCluster.Cli;

/// <summary>MODEL and the options of the node that serves it: the same for a server and for a chat in the terminal.</summary>
internal sealed class NodeSwitches
{
    private static readonly string[] s_kvTypes = [.. Enum.GetNames<KvType>().Select(static name => name.ToLowerInvariant())];

    private readonly Argument<string> _model = new("MODEL")
    {
        Description = "A GGUF file; a Hugging Face folder with SafeTensors; the name of a pulled model; demo: the small model that comes along; stub: canned text",
        Arity = ArgumentArity.ZeroOrOne,
        DefaultValueFactory = static _ => ModelCatalog.DemoPath,
    };

    private readonly Option<string?> _id = new("--id") { Description = "The name clients use (default: the file's name)" };
    private readonly Option<int?> _context = new("--context") { Description = "Prompt and answer together, in tokens (default: the model's limit)" };
    private readonly Option<int?> _threads = new("--threads") { Description = "Threads that compute (default: one a processor)" };
    private readonly Option<bool> _pin = PinOption();
    private readonly Option<string?> _kv = KvOption();
    private readonly Option<string?> _twins = new("--twins")
    {
        Description = $"Where twins of weights lie that make decoding fast, or {ModelCatalog.TwinsOff} (default: {CacheFolder.Twins})",
        HelpName = $"FOLDER|{ModelCatalog.TwinsOff}",
    };
    private readonly Option<bool> _noSpeculation = NoSpeculationOption();

    private readonly Option<string[]> _lora = new("--lora")
    {
        Description = "A LoRA adapter (GGUF) and its name, once or more: to clients each is a model of its own; chat and run ask the last one",
        HelpName = "NAME=FILE",
    };

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
        command.Add(_pin);
        command.Add(_kv);
        command.Add(_twins);
        command.Add(_noSpeculation);
        command.Add(_kvMemory);
        command.Add(_lora);
        _lora.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<string[]>()?.FirstOrDefault(static text => text.IndexOf('=') < 1) is { } odd)
                result.AddError($"--lora: '{odd}' is no NAME=FILE.");
        });
        _id.Validators.Add(result =>
        {
            if (ModelCatalog.MisleadingId(Model(result)) is { } misleading)
                result.AddError(misleading);
        });
    }

    public SmolClusterOptions Read(ParseResult parsed) => new()
    {
        Models = [Stored(Model(parsed.CommandResult), parsed.GetValue(_lora) ?? [])],
        ContextLength = parsed.GetValue(_context),
        Threads = parsed.GetValue(_threads),
        PinThreads = parsed.GetValue(_pin),
        KvType = parsed.GetValue(_kv)?.ToUpperInvariant(),
        TwinFolder = parsed.GetValue(_twins),
        Speculation = !parsed.GetValue(_noSpeculation),
        KvMemoryMiB = parsed.GetValue(_kvMemory),
        SiloPort = 0,
        GatewayPort = 0,
    };

    /// <summary>The one model that a chat in the terminal asks: the last adapter, where there are any.</summary>
    /// <exception cref="CommandFailure">It cannot be loaded as it is said.</exception>
    public ModelSource Source(ParseResult parsed)
    {
        SmolClusterOptions options = Read(parsed);
        return options.Models[0].Adapters.Count > 0 && ModelCatalog.ProblemWith(options.Models[0]) is { } problem ? throw new CommandFailure(problem)
            : ModelCatalog.From(options)[^1];
    }

    /// <summary>Validators run before defaults are filled in, hence the demo's once more.</summary>
    private ModelOptions Model(SymbolResult result) => new() { Path = result.GetValue(_model) ?? ModelCatalog.DemoPath, Id = result.GetValue(_id) };

    /// <summary>A pulled model by its name; file, demo and stub as they are.</summary>
    private static ModelOptions Stored(ModelOptions model, string[] adapters) => new()
    {
        Path = model.Path is ModelCatalog.DemoPath or ModelCatalog.StubPath ? model.Path : new ModelStore(null).Resolve(model.Path),
        Id = model.Id,
        Adapters = [.. adapters.Select(static text => text.Split('=', 2)).Select(static parts => new AdapterOptions { Id = parts[0], Path = parts[1] })],
    };

    public static Option<string?> KvOption()
    {
        var kv = new Option<string?>("--kv") { Description = "How keys and values are kept: f16, f32, or q8_0 in half of f16's memory (default: f16)", HelpName = string.Join('|', s_kvTypes) };
        kv.AcceptOnlyFromAmong(s_kvTypes);
        return kv;
    }

    public static Option<bool> NoSpeculationOption() =>
        new("--no-speculation") { Description = "Guess no tokens ahead where a text repeats; the answers are the same, slower" };

    public static Option<bool> PinOption() =>
        new("--pin") { Description = "Keep each of those threads on a processor of its own, for a machine that does nothing else (Linux)" };

    public static KvType Kv(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) is { } name ? Enum.Parse<KvType>(name, ignoreCase: true) : KvType.F16;

    public static void AtLeastOne(Option<int?> option) => option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int?>() is < 1)
            result.AddError($"{option.Name} must be at least 1.");
    });
}
