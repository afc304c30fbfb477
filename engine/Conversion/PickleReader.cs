using System.Buffers.Binary;
using System.Text;

namespace SmolCluster.Engine.Conversion;

/// <summary>A name that a pickle refers to, such as torch._utils _rebuild_tensor_v2: text, never looked up.</summary>
internal sealed record PickleGlobal(string Module, string Name)
{
    public override string ToString() => $"{Module}.{Name}";
}

/// <summary>Something the pickle asks its reader for: PyTorch's storages, as the tuple that describes one.</summary>
internal sealed record PicklePersistent(object? Id);

/// <summary>A call that the pickle wants made. It is written down and not made.</summary>
internal sealed record PickleCall(PickleGlobal Function, object?[] Arguments);

/// <summary>
/// Reads the data part of Python's pickle format and runs nothing: a pickle is a program for a stack machine that may import any
/// function and call it, and this machine knows the instructions that build numbers, texts, tuples, lists and dicts only. Names
/// are compared with an allow-list as they appear; a call becomes a <see cref="PickleCall"/> for the reader to interpret. Whatever
/// else stands in the file is refused by name.
/// </summary>
/// <remarks>Python's pickletools describes the instructions; only those that torch.save writes for a dict of tensors are here.</remarks>
internal sealed class PickleReader(string path, byte[] bytes, IReadOnlySet<string> allowed)
{
    private const int MostOnStack = 1 << 20;
    private const int LongestText = 1 << 16;

    private readonly List<object?> _stack = [];
    private readonly Stack<int> _marks = new();
    private readonly Dictionary<int, object?> _memo = [];
    private int _at;

    /// <exception cref="CheckpointException">An instruction or name that is not on the list, or nonsense.</exception>
    public object? Read()
    {
        while (true)
        {
            int at = _at;
            byte code = Byte();
            if (code == '.')
                return _stack.Count == 1 && _marks.Count == 0 ? _stack[0] : throw Fail(at, "the pickle ends with more or less than one value");
            Step(code, at);
            if (_stack.Count > MostOnStack || _memo.Count > MostOnStack)
                throw Fail(at, $"the pickle holds more than {MostOnStack} values");
        }
    }

    private void Step(byte code, int at)
    {
        switch (code)
        {
            case 0x80: Protocol(at); break;
            case 0x95: _ = Take(8); break; // FRAME: a length for those who read ahead
            case (byte)'(': _marks.Push(_stack.Count); break;
            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'K': Push((long)Byte()); break;
            case (byte)'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
            case (byte)'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
            case 0x8a: Push(Long(at)); break;
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
            case (byte)'X': Push(Text(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)), at)); break;
            case 0x8c: Push(Text(Byte(), at)); break;
            case (byte)')': Push(Array.Empty<object?>()); break;
            case 0x85: Push(Pop(1, at)); break;
            case 0x86: Push(Pop(2, at)); break;
            case 0x87: Push(Pop(3, at)); break;
            case (byte)'t': Push(PopToMark(at)); break;
            case (byte)']': Push(new List<object?>()); break;
            case (byte)'}': Push(new Dictionary<object, object?>()); break;
            case (byte)'a': Append([Pop(at)], at); break;
            case (byte)'e': Append(PopToMark(at), at); break;
            case (byte)'s': SetItems(Pop(2, at), at); break;
            case (byte)'u': SetItems(PopToMark(at), at); break;
            case (byte)'q': _memo[Byte()] = Top(at); break;
            case (byte)'r': _memo[BinaryPrimitives.ReadInt32LittleEndian(Take(4))] = Top(at); break;
            case 0x94: _memo[_memo.Count] = Top(at); break;
            case (byte)'h': Push(Remembered(Byte(), at)); break;
            case (byte)'j': Push(Remembered(BinaryPrimitives.ReadInt32LittleEndian(Take(4)), at)); break;
            case (byte)'c': Push(Global(Line(at), Line(at), at)); break;
            case 0x93: StackGlobal(at); break;
            case (byte)'Q': Push(new PicklePersistent(Pop(at))); break;
            case (byte)'R': Call(at); break;
            case (byte)'b': Build(at); break;
            default: throw Fail(at, $"the pickle holds the instruction 0x{code:X2}, which no checkpoint of tensors needs; it is not carried out");
        }
    }

    private void Protocol(int at)
    {
        byte version = Byte();
        if (version is < 2 or > 5)
            throw Fail(at, $"the pickle is of protocol {version}; expected 2 to 5");
    }

    private PickleGlobal Global(string module, string name, int at)
    {
        var global = new PickleGlobal(module, name);
        return allowed.Contains(global.ToString()) ? global
            : throw Fail(at, $"the pickle asks for {Gguf.GgufText.Describe(global.ToString(), 200)}, which no checkpoint of tensors needs and which may run anything; it is not loaded");
    }

    private void StackGlobal(int at)
    {
        object?[] names = Pop(2, at);
        if (names is not [string module, string name])
            throw Fail(at, "the pickle names a global by something that is no text");
        Push(Global(module, name, at));
    }

    private void Call(int at)
    {
        object?[] call = Pop(2, at);
        if (call is not [PickleGlobal function, object?[] arguments])
            throw Fail(at, "the pickle calls something that is no known function");
        Push(function.ToString() == "collections.OrderedDict" && arguments.Length == 0 ? new Dictionary<object, object?>() : new PickleCall(function, arguments));
    }

    /// <summary>Attributes of an object; an OrderedDict of tensors has one, _metadata, which says nothing about them.</summary>
    private void Build(int at)
    {
        if (Pop(2, at) is not [Dictionary<object, object?> target, Dictionary<object, object?>])
            throw Fail(at, "the pickle sets attributes of something that is no dict");
        Push(target);
    }

    private void Append(object?[] values, int at)
    {
        if (Top(at) is not List<object?> list)
            throw Fail(at, "the pickle appends to something that is no list");
        list.AddRange(values);
    }

    private void SetItems(object?[] pairs, int at)
    {
        if (Top(at) is not Dictionary<object, object?> dict || pairs.Length % 2 != 0)
            throw Fail(at, "the pickle sets items of something that is no dict");
        for (int i = 0; i < pairs.Length; i += 2)
        {
            if (pairs[i] is not (string or long))
                throw Fail(at, "the pickle has a dict whose keys are neither texts nor numbers");
            dict[pairs[i]!] = pairs[i + 1];
        }
    }

    private object?[] PopToMark(int at)
    {
        if (!_marks.TryPop(out int mark))
            throw Fail(at, "the pickle closes a list that it did not open");
        return mark <= _stack.Count ? Pop(_stack.Count - mark, at, aboveMark: false) : throw Fail(at, "the pickle takes more values than it has");
    }

    private object? Pop(int at) => Pop(1, at)[0];

    private object?[] Pop(int count, int at, bool aboveMark = true)
    {
        int floor = aboveMark && _marks.TryPeek(out int mark) ? mark : 0;
        if (_stack.Count - count < floor)
            throw Fail(at, "the pickle takes more values than it has");
        object?[] values = [.. _stack.Skip(_stack.Count - count)];
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private object? Top(int at) => _stack.Count > 0 ? _stack[^1] : throw Fail(at, "the pickle takes more values than it has");

    private void Push(object? value) => _stack.Add(value);

    private object? Remembered(int key, int at) => _memo.TryGetValue(key, out object? value) ? value : throw Fail(at, $"the pickle refers to value {key}, which it never stored");

    private long Long(int at)
    {
        int length = Byte();
        if (length > 8)
            throw Fail(at, $"the pickle holds an integer of {length} bytes; at most 8 are accepted");
        ReadOnlySpan<byte> digits = Take(length);
        long value = length > 0 && (digits[^1] & 0x80) != 0 ? -1 : 0;
        for (int i = length - 1; i >= 0; i--)
            value = (value << 8) | digits[i];
        return value;
    }

    private string Text(uint length, int at) => length <= LongestText ? Encoding.UTF8.GetString(Take((int)length))
        : throw Fail(at, $"the pickle holds a text of {length} bytes; at most {LongestText} are accepted");

    private string Line(int at)
    {
        int end = bytes.AsSpan(_at).IndexOf((byte)'\n');
        if (end is < 0 or > 1024)
            throw Fail(at, "the pickle holds a name without an end");
        string line = Encoding.UTF8.GetString(Take(end));
        _ = Byte();
        return line;
    }

    private byte Byte() => Take(1)[0];

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > bytes.Length - _at)
            throw Fail(_at, "the pickle is cut short");
        ReadOnlySpan<byte> taken = bytes.AsSpan(_at, count);
        _at += count;
        return taken;
    }

    private CheckpointException Fail(int at, string problem) =>
        new($"{path}: at byte {at} of its pickle: {problem}. Get the model as SafeTensors, which can hold no code.");
}
