using System.Collections.Frozen;
using System.Text.Json.Nodes;
using SmolCluster.Gateway.Requests;

namespace SmolCluster.Gateway.Chat;

/// <summary>Reads "chat_template_kwargs": variables for the model's chat template, passed on as they are.</summary>
internal static class VariablesReader
{
    /// <summary>What the server itself gives the template: a variable of that name would put unchecked text in its place.</summary>
    private static readonly FrozenSet<string> OwnVariables = new[]
    {
        "messages", "tools", "add_generation_prompt",
        "bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token",
    }.ToFrozenSet();

    /// <summary>Variables that have fields of their own.</summary>
    private static readonly string[] AlsoFields = ["enable_thinking", "reasoning_effort"];

    /// <returns>JSON; null: none.</returns>
    public static string? Read(RequestObject request)
    {
        if (request.Find("chat_template_kwargs") is not { } value)
            return null;
        var given = new RequestObject(value, "chat_template_kwargs");
        if (given.Names.FirstOrDefault(OwnVariables.Contains) is { } own)
            throw RequestObject.Refuse(given.PathOf(own), "invalid_value", $"Invalid '{given.PathOf(own)}': the server sets '{own}' itself.");
        foreach (string name in AlsoFields)
            if (given.Find(name) is not null && request.Find(name) is not null)
                throw RequestObject.Refuse(name, "invalid_value", $"Invalid '{name}': it is in 'chat_template_kwargs' too. Send it once.");
        var variables = JsonObject.Create(given.Json)!;
        return variables.Count == 0 ? null : variables.ToJsonString();
    }
}
