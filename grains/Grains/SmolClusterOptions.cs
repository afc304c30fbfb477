using SmolCluster.Engine.Pipeline;

namespace SmolCluster.Grains;

/// <summary>What a node serves and where it listens: the configuration section "SmolCluster".</summary>
public sealed class SmolClusterOptions
{
    public const string Section = "SmolCluster";

    /// <summary>Configuration key of the folder where a process that is a cluster of its own keeps conversations; not set: they
    /// live as long as the process. Read while the host is composed, hence no property.</summary>
    public const string DataFolderKey = Section + ":DataFolder";

    /// <summary>At least one.</summary>
    public IList<ModelOptions> Models { get; init; } = [];

    /// <summary>Prompt and answer together, in tokens. Null: as much as the model was made for.</summary>
    public int? ContextLength { get; set; }

    /// <summary>Threads that compute. Null: the engine's choice.</summary>
    public int? Threads { get; set; }

    /// <summary>Whether each of those threads stays on a processor of its own: for machines that do nothing else.</summary>
    public bool PinThreads { get; set; }

    /// <summary>How keys and values are kept, by the engine's name for it (F16, F32, Q8_0). Null: the engine's choice.</summary>
    public string? KvType { get; set; }

    /// <summary>Memory for keys and values of one model at most, taken as it is needed; what conversations leave there stays for
    /// those that begin alike. Null: half of what the machine has left beside the model's file.</summary>
    public int? KvMemoryMiB { get; set; }

    /// <summary>Memory for the weights of one model at most. Of a file that is larger this silo takes a part, if others with the same file
    /// take the rest. Null: whole models, whatever they take.</summary>
    public int? WeightMemoryMiB { get; set; }

    /// <summary>How the parts of a model pass numbers on to each other, by the engine's name for it: F32, with the same answers as a whole
    /// model, or F16, with half of the traffic and perhaps other words. The silo that has the first layers decides.</summary>
    public string Activations { get; set; } = nameof(ActivationType.F32);

    /// <summary>Where the twins of weights lie that make decoding fast: files of the size of the models', made once and shared by all
    /// processes of a machine. "off": none. Null: the user's cache folder.</summary>
    public string? TwinFolder { get; set; }

    /// <summary>Whether texts that repeat are guessed ahead: faster, never different.</summary>
    public bool Speculation { get; set; } = true;

    /// <summary>Where other silos reach this one on a local cluster. 0: any free port.</summary>
    public int SiloPort { get; set; } = 11111;

    /// <summary>Where gateways in other processes reach this silo on a local cluster. 0: any free port.</summary>
    public int GatewayPort { get; set; } = 30000;

    /// <summary>On a local cluster of several silos, the silo port of the first one. Null: this is the first one.</summary>
    public int? PrimarySiloPort { get; set; }
}

/// <summary>One model of a node.</summary>
public sealed class ModelOptions
{
    /// <summary>Path of a GGUF file, or "demo" for the model that comes with SmolCluster, or "stub" for canned text, or
    /// "stub:paced" for the same behind the real batch loop, at the pace of SmolLM3-3B and without its work.</summary>
    public string Path { get; set; } = "";

    /// <summary>The name clients use. Null: the file's name without its extension.</summary>
    public string? Id { get; set; }

    /// <summary>LoRA adapters of this model, each a model of its own to clients.</summary>
    public IList<AdapterOptions> Adapters { get; init; } = [];
}

/// <summary>A LoRA adapter of a model.</summary>
public sealed class AdapterOptions
{
    /// <summary>The name clients use.</summary>
    public string Id { get; set; } = "";

    /// <summary>Path of a GGUF file of type adapter.</summary>
    public string Path { get; set; } = "";

    /// <summary>How much of it, 1 as it was trained.</summary>
    public float Scale { get; set; } = 1;
}
