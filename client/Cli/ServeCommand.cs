using System.CommandLine;
using System.Net;

namespace SmolCluster.Cli;

/// <summary><c>smol serve</c>: silo and gateway in one process.</summary>
internal static class ServeCommand
{
    private const int DefaultPort = 8080;

    public static Command Create()
    {
        var node = new NodeSwitches();
        var host = new Option<string>("--host") { Description = "The address to listen on; there are no API keys yet, so keep it on this machine", DefaultValueFactory = static _ => "127.0.0.1" };
        var port = new Option<int>("--port") { Description = "The port of page and API; 0: any free one", DefaultValueFactory = static _ => DefaultPort };
        var data = new Option<string?>("--data") { Description = "Where conversations are kept over a restart; of one server at a time (default: smolcluster in XDG_STATE_HOME or ~/.local/state)", HelpName = "FOLDER" };
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
        { host, port, data, verbose };
        node.AddTo(command);
        command.SetAction((parsed, cancellation) =>
        {
            string address = parsed.GetRequiredValue(host);
            var endpoint = new IPEndPoint(address == "localhost" ? IPAddress.Loopback : IPAddress.Parse(address), parsed.GetValue(port));
            string folder = Path.GetFullPath(parsed.GetValue(data) ?? DataFolder.Default());
            return ServeHost.RunAsync(node.Read(parsed), endpoint, folder, parsed.GetValue(verbose), cancellation);
        });
        return command;
    }
}
