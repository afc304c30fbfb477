namespace SmolCluster.Engine.Text.Templates;

/// <summary>A stable merge sort of our own: the framework's wraps what a comparison throws and is not stable.</summary>
internal static class Sorting
{
    public static T[] Sort<T>(Rendering rendering, IReadOnlyList<T> items, Comparison<T> compare)
    {
        T[] from = [.. items];
        var to = new T[from.Length];
        for (int width = 1; width < from.Length; width *= 2)
        {
            rendering.Charge(from.Length);
            for (int start = 0; start < from.Length; start += 2 * width)
                Merge(from, to, start, Math.Min(start + width, from.Length), Math.Min(start + (2 * width), from.Length), compare);
            (from, to) = (to, from);
        }
        return from;
    }

    private static void Merge<T>(T[] from, T[] to, int start, int middle, int end, Comparison<T> compare)
    {
        (int left, int right) = (start, middle);
        for (int at = start; at < end; at++)
        {
            bool takesLeft = left < middle && (right >= end || compare(from[left], from[right]) <= 0);
            to[at] = takesLeft ? from[left++] : from[right++];
        }
    }
}
