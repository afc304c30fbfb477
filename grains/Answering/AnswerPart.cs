namespace SmolCluster.Answering;

internal enum PartKind { Text, Reasoning, Call }

/// <summary>A piece of one part of an answer.</summary>
/// <param name="Text">More of the answer's text, of its reasoning, or of a call's arguments.</param>
/// <param name="Call">Index of the call, from 0.</param>
/// <param name="Name">Of the called function, with the call's first piece.</param>
internal readonly record struct AnswerPart(PartKind Kind, string Text, int Call = 0, string? Name = null);
