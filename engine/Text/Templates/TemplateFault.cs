namespace SmolCluster.Engine.Text.Templates;

/// <summary>An operation failed and does not know where in the template it stands. The interpreter does, and turns this into
/// a <see cref="TemplateException"/>; it never leaves this room.</summary>
internal sealed class TemplateFault(string message, bool isRaisedByTemplate = false) : Exception(message)
{
    public bool IsRaisedByTemplate => isRaisedByTemplate;
}
