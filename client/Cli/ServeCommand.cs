using System.CommandLine;
using System.Net;
using SmolCluster.Gateway.Keys;

namespace SmolCluster.Cli;

/// <summary><c>smol serve</c>: silo and gateway in one process.</summary>
internal static class ServeCommand
{
    private const int DefaultPort = 8080;

    public static Command Create()
    {
        var node = new NodeSwitches();
        var host = new Option<string>("--host") { Description = "The address to listen on; one that other machines reach needs API keys", DefaultValueFactory = static _ => "127.0.0.1" };
        var port = new Option<int>("--port") { Description = "The port of page and API; 0: any free one", DefaultValueFactory = static _ => DefaultPort };
        var data = new Option<string?>("--data") { Description = "Where conversations are kept over a restart; of one server at a time (default: smolcluster in XDG_STATE_HOME or ~/.local/state)", HelpName = "FOLDER" };
        var keys = new Option<string?>("--keys") { Description = $"The file of API keys (default: {KeyFile.DefaultName} in the data folder, if it is there)", HelpName = "FILE" };
        var open = new Option<bool>("--open") { Description = "Let other machines ask without keys" };
        var verbose = new Option<bool>("--verbose") { Description = "Log what Orleans and the web server do" };
        host.Validators.Add(static result =>
        {
            string text = result.GetValueOrDefault<string>();
            if (text != "localhost" && !IPAddress.TryParse(text, out _))
                result.AddError($"--host: '{text}' is no address; expected one such as 127.0.0.1, ::1 or 0.0.0.0.");
        });
        port.Validators.Add(static result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > 65535)
                result.AddError("--port must be from 0 to 65535.");
        });
        var command = new SmolCommand("serve", "Serve a model: chat page and OpenAI API, silo and gateway in one process",
            "smol serve",
            "smol serve SmolLM3-Q4_K_M.gguf",
            "smol serve SmolLM3-Q4_K_M.gguf --port 9000 --context 8192 --threads 4")
        { host, port, data, keys, open, verbose };
        node.AddTo(command);
        command.SetAction((parsed, cancellation) =>
        {
            string address = parsed.GetRequiredValue(host);
            var endpoint = new IPEndPoint(address == "localhost" ? IPAddress.Loopback : IPAddress.Parse(address), parsed.GetValue(port));
            string folder = Path.GetFullPath(parsed.GetValue(data) ?? DataFolder.Default());
            string? keysFile = parsed.GetValue(keys) ?? (File.Exists(KeysCommand.FileIn(folder)) ? KeysCommand.FileIn(folder) : null);
            return ServeHost.RunAsync(node.Read(parsed), endpoint, new(folder, keysFile, parsed.GetValue(open)), parsed.GetValue(verbose), cancellation);
        });
        return command;
    }
}
