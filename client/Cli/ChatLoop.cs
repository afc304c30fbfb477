using System.Globalization;
using SmolCluster.Engine.Serving;
using SmolCluster.Engine.Text.Templates;

namespace SmolCluster.Cli;

/// <summary>Reads lines, answers them, until /exit or the input's end. Each line of a pipe is a message too, so scripts and
/// tests talk the way people do. Ctrl-C stops an answer; at the prompt it says how to leave, and a second one leaves.</summary>
internal static class ChatLoop
{
    private const string Commands = "/help lists the commands, /exit leaves, Ctrl-C stops an answer";

    private const string Help = """
        /exit              leave (Ctrl-D as well)
        /clear             forget the conversation
        /system TEXT       tell the model what to be; without a text: nothing
        /temp NUMBER       0: always the likeliest token, to 2
        /seed NUMBER       same seed, same messages: same answers
        /thinking on|off   whether the model thinks first, where its template knows
        /retry             ask the last question again, with another seed
        /stats             tokens of the last question and answer
        /save FILE         the conversation as Markdown
        A line that ends in \ goes on in the next; arrow keys bring back what was said.
        """;

    public static async Task RunAsync(ChatSession session, TextReader input, TextWriter output)
    {
        bool interactive = !Console.IsInputRedirected;
        if (interactive)
            Console.Error.WriteLine($"{Title(session.Card)}\n{Commands}");
        else if (session.Card.Kind != ModelKind.Real)
            Console.Error.WriteLine(Title(session.Card)); // a pipe may keep the answers: who answered stands beside them
        using var interrupts = new Interrupts();
        var editor = new LineEditor("\n> ");
        bool hasKeys = interactive && !Console.IsErrorRedirected;
        while (true)
        {
            if (interactive && !hasKeys)
                Console.Error.Write("\n> ");
            string? line = hasKeys ? editor.Read() : await input.ReadLineAsync();
            if (line is null || line.Trim() == "/exit")
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
            case ["/help"]:
                Console.Error.WriteLine(Help);
                return;
            case ["/temp", var number]:
                SetTemperature(session, number);
                return;
            case ["/seed", var number]:
                SetSeed(session, number);
                return;
            case ["/thinking", "on" or "off"]:
                session.Thinks = line.TrimEnd().EndsWith("on", StringComparison.Ordinal);
                Console.Error.WriteLine(session.Thinks == true ? "(thinks first)" : "(answers at once)");
                return;
            case ["/retry"]:
                await RetryAsync(session, output, interrupts);
                return;
            case ["/stats"]:
                Console.Error.WriteLine($"({session.PromptTokens} tokens asked, {session.CompletionTokens} answered, {session.Card.ContextLength} fit)");
                return;
            case ["/save", var path]:
                Save(session, path);
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
        MarkdownLines? markdown = Console.IsOutputRedirected ? null : new MarkdownLines(Terminal.Out, output);
        try
        {
            string reason = await session.AskAsync(question, text =>
            {
                if (markdown is not null)
                {
                    markdown.Append(text);
                    return;
                }

                output.Write(text);
                output.Flush();
            }, interrupts.BeginAnswer());
            if (markdown is null)
                output.WriteLine();
            markdown?.End();
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

    private static async Task RetryAsync(ChatSession session, TextWriter output, Interrupts interrupts)
    {
        if (session.TakeBack() is not { } question)
        {
            Console.Error.WriteLine("(there is no question yet)");
            return;
        }

        session.Sampling = session.Sampling with { Seed = unchecked(session.Sampling.Seed + 1) };
        await AnswerAsync(session, question, output, interrupts);
    }

    private static void SetTemperature(ChatSession session, string number)
    {
        if (!float.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out float temperature) || temperature is not (>= 0 and <= 2))
        {
            Console.Error.WriteLine($"'{number}' is no temperature; expected 0 to 2");
            return;
        }

        session.Sampling = session.Sampling with { Temperature = temperature };
        Console.Error.WriteLine($"(temperature {number.Trim()})");
    }

    private static void SetSeed(ChatSession session, string number)
    {
        if (!ulong.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed))
        {
            Console.Error.WriteLine($"'{number}' is no seed; expected a whole number");
            return;
        }

        session.Sampling = session.Sampling with { Seed = seed };
        Console.Error.WriteLine($"(seed {seed})");
    }

    private static void Save(ChatSession session, string path)
    {
        try
        {
            using var file = new StreamWriter(new FileStream(path.Trim(), FileMode.CreateNew)); // nothing that is there is written over
            foreach ((string role, string content) in session.Turns)
                file.Write($"## {role}\n\n{content}\n\n");
            Console.Error.WriteLine($"({session.Turns.Count} messages in {path.Trim()})");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(failure.Message);
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
