using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Cli;

/// <summary>Reads lines, answers them, until /exit or the input's end. Each line of a pipe is a message too, so scripts and
/// tests talk the way people do. Ctrl-C stops an answer; at the prompt it says how to leave, and a second one leaves.</summary>
internal static class ChatLoop
{
    private const string Commands = "/exit leaves, /clear forgets the conversation, /system TEXT tells the model what to be, Ctrl-C stops an answer";

    public static async Task RunAsync(ChatSession session, TextReader input, TextWriter output)
    {
        bool interactive = !Console.IsInputRedirected;
        if (interactive)
            Console.Error.WriteLine($"{Title(session.Card)}\n{Commands}");
        else if (session.Card.Kind != ModelKind.Real)
            Console.Error.WriteLine(Title(session.Card)); // a pipe may keep the answers: who answered stands beside them
        using var interrupts = new Interrupts();
        while (true)
        {
            if (interactive)
                Console.Error.Write("\n> ");
            if (await input.ReadLineAsync() is not { } line || line.Trim() == "/exit")
                return;
            await TakeAsync(session, line, output, interrupts);
        }
    }

    private static async Task TakeAsync(ChatSession session, string line, TextWriter output, Interrupts interrupts)
    {
        switch (line.Trim().Split(' ', 2))
        {
            case [""]:
                return;
            case ["/clear"]:
                session.Clear();
                Console.Error.WriteLine("(forgotten)");
                return;
            case ["/system", .. var rest]:
                session.System = rest is [var text] ? text.Trim() : null;
                Console.Error.WriteLine(session.System is null ? "(no system message)" : "(system message set)");
                return;
            case [['/', ..] unknown, ..] when unknown.IndexOf('/', 1) < 0:
                Console.Error.WriteLine($"There is no command {unknown}: {Commands}");
                return;
            default:
                await AnswerAsync(session, line, output, interrupts);
                return;
        }
    }

    private static async Task AnswerAsync(ChatSession session, string question, TextWriter output, Interrupts interrupts)
    {
        try
        {
            string reason = await session.AskAsync(question, text =>
            {
                output.Write(text);
                output.Flush();
            }, interrupts.BeginAnswer());
            output.WriteLine();
            if (reason != "stop")
                Console.Error.WriteLine(reason == "length" ? "(the answer reached its longest length)" : "(stopped)");
        }
        catch (Exception refusal) when (Console.IsInputRedirected is false && refusal is CommandFailure or TemplateException or QueueFullException)
        {
            Console.Error.WriteLine(refusal.Message);
        }
        finally
        {
            interrupts.EndAnswer();
        }
    }

    private static string Title(ModelCard card) => card.Kind switch
    {
        ModelKind.Real => card.Id,
        ModelKind.Demo => $"{card.Id} (a small demo model; the real one: {RealModel.Advice})",
        _ => $"{card.Id} (canned answers, no model)",
    };

    /// <summary>What Ctrl-C means at the moment.</summary>
    private sealed class Interrupts : IDisposable
    {
        private readonly Lock _lock = new();
        private CancellationTokenSource? _answer;
        private bool _warned;

        public Interrupts() => Console.CancelKeyPress += OnPress;

        public CancellationToken BeginAnswer()
        {
            lock (_lock)
            {
                _warned = false;
                _answer = new CancellationTokenSource();
                return _answer.Token;
            }
        }

        public void EndAnswer()
        {
            lock (_lock)
            {
                _answer?.Dispose();
                _answer = null;
            }
        }

        public void Dispose()
        {
            Console.CancelKeyPress -= OnPress;
            EndAnswer();
        }

        private void OnPress(object? sender, ConsoleCancelEventArgs press)
        {
            lock (_lock)
            {
                press.Cancel = _answer is not null || !_warned;
                if (_answer is not null)
                {
                    _answer.Cancel();
                    return;
                }

                if (!_warned)
                    Console.Error.Write("\n(/exit or Ctrl-C again leaves)\n> ");
                _warned = true;
            }
        }
    }
}
