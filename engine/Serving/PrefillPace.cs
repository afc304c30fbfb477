namespace SmolCluster.Engine.Serving;

/// <summary>How fast prompts are computed, from the steps that were large enough to tell: a step of few tokens takes as long as
/// the weights take to be read, whatever it computes.</summary>
public sealed class PrefillPace
{
    /// <summary>Tokens of a step that tells.</summary>
    private const int Telling = 32;

    /// <summary>Weight of what was seen before, beside a new step: a machine's other work comes and goes.</summary>
    private const double Inertia = 0.8;

    private double _secondsPerToken;

    /// <summary>Null: no prompt was computed yet.</summary>
    public double? SecondsPerToken => Volatile.Read(ref _secondsPerToken) is > 0 and var seconds ? seconds : null;

    internal void Count(int tokens, TimeSpan elapsed)
    {
        if (tokens < Telling)
        {
            return;
        }

        double seconds = elapsed.TotalSeconds / tokens;
        Volatile.Write(ref _secondsPerToken, _secondsPerToken == 0 ? seconds : Inertia * _secondsPerToken + (1 - Inertia) * seconds);
    }
}
