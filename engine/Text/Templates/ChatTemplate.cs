using System.Text.Json.Nodes;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>A Jinja chat template, parsed once, rendered many times; sandboxed: no I/O, bounded steps, depth and output.
/// Thread-safe.</summary>
public sealed class ChatTemplate
{
    /// <param name="source">Jinja source; trim_blocks and lstrip_blocks are on, as Hugging Face has them.</param>
    /// <exception cref="TemplateException">A syntax error, with line and column.</exception>
    public static ChatTemplate Parse(string source) => throw new NotImplementedException();

    /// <summary>Renders with the context's variables (messages, tools, add_generation_prompt, bos_token, …). Text that comes
    /// from the context's messages and tools is marked as not scaffold; every other text is scaffold.</summary>
    /// <param name="now">What strftime_now formats.</param>
    /// <exception cref="TemplateException">raise_exception(), an undefined name in use, a type error or a limit, with line and column.</exception>
    public IReadOnlyList<PromptSegment> Render(JsonObject context, DateTimeOffset now) => throw new NotImplementedException();
}
