namespace SmolCluster.Engine.Text.Templates;

internal abstract record Statement(int Position) : Node(Position);

/// <summary>Text between the tags: scaffold.</summary>
internal sealed record Data(int Position, TextValue Text) : Statement(Position);

internal sealed record Output(int Position, Expression Value) : Statement(Position);

internal sealed record If(int Position, (Expression Test, Statement[] Body)[] Branches, Statement[] Else) : Statement(Position);

internal sealed record For(int Position, AssignmentTarget Target, Expression Items, Expression? Filter, Statement[] Body, Statement[] Else, bool IsRecursive)
    : Statement(Position);

internal sealed record Set(int Position, AssignmentTarget Target, Expression Value) : Statement(Position);

/// <param name="Filters">Applied to the rendered body, first to last.</param>
internal sealed record SetBlock(int Position, AssignmentTarget Target, FilterCall[] Filters, Statement[] Body) : Statement(Position);

internal sealed record FilterBlock(int Position, FilterCall[] Filters, Statement[] Body) : Statement(Position);

/// <summary><c>with</c> and <c>generation</c>: a body with its own scope.</summary>
internal sealed record Scoped(int Position, (AssignmentTarget Target, Expression Value)[] Assignments, Statement[] Body) : Statement(Position);

internal sealed record MacroDefinition(int Position, string Name, MacroSignature Signature, Statement[] Body) : Statement(Position);

/// <summary><c>call(parameters) macro(arguments)</c>: the body is the macro's <c>caller</c>.</summary>
internal sealed record CallBlock(int Position, MacroSignature Signature, Call Call, Statement[] Body) : Statement(Position);

/// <summary><c>break</c> or <c>continue</c>.</summary>
internal sealed record LoopControl(int Position, Flow Flow) : Statement(Position);

/// <param name="TakesMorePositional">The body names <c>varargs</c>.</param>
/// <param name="TakesMoreNamed">The body names <c>kwargs</c>.</param>
internal sealed record MacroSignature((string Name, Expression? Default)[] Parameters, bool TakesMorePositional, bool TakesMoreNamed);

/// <summary>What an assignment writes: a name, <c>namespace.attribute</c>, or a tuple of targets.</summary>
internal abstract record AssignmentTarget(int Position) : Node(Position);

internal sealed record NameTarget(int Position, string Name) : AssignmentTarget(Position);

internal sealed record NamespaceTarget(int Position, string Name, string Attribute) : AssignmentTarget(Position);

internal sealed record TupleTarget(int Position, AssignmentTarget[] Targets) : AssignmentTarget(Position);

/// <summary>How a statement ended.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}
