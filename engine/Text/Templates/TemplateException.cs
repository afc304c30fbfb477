namespace SmolCluster.Engine.Text.Templates;

/// <summary>A chat template cannot be parsed or rendered; the message is fit for the person who sent the request.</summary>
public sealed class TemplateException(string message) : Exception(message);
