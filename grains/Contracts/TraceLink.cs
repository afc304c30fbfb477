using System.Diagnostics;
using System.Globalization;

namespace SmolCluster.Contracts;

/// <summary>The trace that a call belongs to, for a program that traces. It travels in the request context under the name of the W3C's
/// header, where Orleans looks for it too. Set here and not by Orleans' AddActivityPropagation: that makes two spans of every call, and
/// a stream is a call for every few tokens.</summary>
public static class TraceLink
{
    private const string Key = "traceparent";

    /// <summary>Holds for the calls that the current method makes from here on.</summary>
    /// <param name="trace">Default: nobody traces, and whoever called before is still the one.</param>
    public static void Set(ActivityContext trace)
    {
        if (trace != default)
            RequestContext.Set(Key, string.Create(CultureInfo.InvariantCulture, $"00-{trace.TraceId}-{trace.SpanId}-{(int)trace.TraceFlags:x2}"));
    }

    /// <returns>Default: the caller does not trace.</returns>
    public static ActivityContext Read() =>
        RequestContext.Get(Key) is string text && ActivityContext.TryParse(text, null, isRemote: true, out var trace) ? trace : default;

    /// <summary>A span that belongs to an answer and not to the code that runs now: it is nobody's <see cref="Activity.Current"/>, because
    /// answers are read in pieces, by whatever thread.</summary>
    /// <returns>Null: nobody listens.</returns>
    public static Activity? Start(ActivitySource source, string name, ActivityKind kind, ActivityContext parent)
    {
        var current = Activity.Current;
        var span = source.StartActivity(name, kind, parent);
        Activity.Current = current;
        return span;
    }

    /// <summary>Ends such a span.</summary>
    public static void End(Activity? span, string? error = null)
    {
        if (span is null)
            return;
        if (error is not null)
            span.SetTag("error.type", error).SetStatus(ActivityStatusCode.Error);
        var current = Activity.Current;
        span.Stop();
        Activity.Current = current;
    }
}
