using System.Collections.Frozen;
using System.Text.Json.Nodes;
using SmolCluster.Engine.Gguf;

namespace SmolCluster.Engine.Text.Templates;

/// <summary>A Jinja chat template, parsed once, rendered many times; sandboxed: no I/O, bounded steps, depth and output.
/// Thread-safe.
/// <para>An interpreter of its own over an immutable syntax tree, rather than a general template engine, because it carries for
/// every character whether the template's author or the request wrote it (<see cref="TextValue"/>): no escaping rule and no
/// list of forbidden words could keep a person's text from becoming a special token as surely.</para></summary>
public sealed class ChatTemplate
{
    private const string MetadataKey = "tokenizer.chat_template";

    /// <summary>Variables whose text may become special tokens: the model's own, and never a request's.</summary>
    public static IReadOnlySet<string> TokenVariables { get; } =
        FrozenSet.Create("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token");

    private readonly TemplateSource source;
    private readonly Statement[] body;
    private readonly TextStyle style;

    private ChatTemplate(TemplateSource source, Statement[] body, TextStyle style) => (this.source, this.body, this.style, Form) = (source, body, style, AnswerForm.Of(source.Text));

    /// <summary>How answers to its prompts are marked.</summary>
    public AnswerForm Form { get; }

    /// <summary>Whether its prompts show the tool calls that an assistant made earlier, each on its own or within the content.</summary>
    public bool ShowsCalls => Form.CallsTools || KnowsCalls;

    private bool KnowsCalls => source.Text.Contains("tool_calls", StringComparison.Ordinal);

    /// <param name="source">Jinja source; trim_blocks and lstrip_blocks are on, as Hugging Face has them.</param>
    /// <param name="style">How values that are no text are printed.</param>
    /// <exception cref="TemplateException">A syntax error, with line and column.</exception>
    public static ChatTemplate Parse(string source, TextStyle style = TextStyle.Json)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Length > TemplateLimits.SourceLength)
            throw new TemplateException($"the chat template has {source.Length} characters; at most {TemplateLimits.SourceLength} are read");
        var text = new TemplateSource(source);
        try
        {
            return new ChatTemplate(text, Parser.Parse(text), style);
        }
        catch (TemplateFault fault)
        {
            throw new TemplateException($"chat template: {fault.Message}");
        }
    }

    /// <summary>The template a model file brings, in the style its model was trained with.</summary>
    /// <exception cref="GgufException">The file has none.</exception>
    /// <exception cref="TemplateException">It cannot be parsed.</exception>
    public static ChatTemplate From(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (!file.Metadata.Contains(MetadataKey))
        {
            throw new GgufException($"{file.Path}: the metadata has no '{MetadataKey}', so conversations cannot be made into prompts. "
                + "Use an instruction-tuned build of the model, or add the key with its chat template to the file.");
        }
        return Parse(file.Metadata.Text(MetadataKey), TextStyle.Python);
    }

    /// <summary>Renders with the context's variables (messages, tools, add_generation_prompt, bos_token, …). Text that comes
    /// from the context is marked as not scaffold, but for the special tokens' own variables (bos_token, eos_token and their
    /// like: never fill these from a request) and a message's role where it is a well-known word; text of the template is
    /// scaffold. Segments are not empty and neighbours differ in kind.</summary>
    /// <param name="now">What strftime_now formats.</param>
    /// <param name="callsAsContent">Where the template shows an assistant's content only: its tool calls are put into it, see <see cref="CallsInContent"/>.
    /// False: exactly what Jinja makes of it.</param>
    /// <exception cref="TemplateException">raise_exception(), an undefined name in use, a type error or a limit, with line and column.</exception>
    public IReadOnlyList<PromptSegment> Render(JsonObject context, DateTimeOffset now, bool callsAsContent = false)
    {
        ArgumentNullException.ThrowIfNull(context);
        var rendering = new Rendering(style, now);
        return new Interpreter(source, rendering).Render(body, ReadContext(context, new ContextReader(rendering, callsAsContent && Form.CallsTools && !KnowsCalls)));
    }

    private static Dictionary<string, Value> ReadContext(JsonObject context, ContextReader reader)
    {
        try
        {
            return reader.Read(context);
        }
        catch (TemplateFault fault)
        {
            throw new TemplateException(fault.Message);
        }
    }
}
