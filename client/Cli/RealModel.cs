namespace SmolCluster.Cli;

/// <summary>Where the model this project is made for comes from; said wherever the demo or the stub answers instead.</summary>
internal static class RealModel
{
    public const string Name = "SmolLM3-3B";

    public const string Url = "https://huggingface.co/ggml-org/SmolLM3-3B-GGUF/resolve/main/SmolLM3-Q4_K_M.gguf";

    public const string Advice = $"curl -LO {Url}";
}
