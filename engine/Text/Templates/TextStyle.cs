namespace SmolCluster.Engine.Text.Templates;

/// <summary>Hugging Face has two renderers, which differ where a template prints something other than text. Published templates
/// rarely do; SmolLM3's <c>tool | string</c> is one that does.</summary>
public enum TextStyle
{
    /// <summary>As huggingface.js: <c>true</c>, <c>["a", null]</c>; a boolean never equals a number; <c>1 + "a"</c> is <c>1a</c>.</summary>
    Json,

    /// <summary>As Jinja2 under transformers, which is what models are trained with: <c>True</c>, <c>['a', None]</c>;
    /// <c>true == 1</c>; a number is not added to a text.</summary>
    Python,
}
