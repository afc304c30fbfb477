using SmolCluster.Contracts;

namespace SmolCluster.Gateway.Chat;

/// <summary>A validated request and how its answer is to be sent.</summary>
internal sealed record ChatCall(ChatRequest Request, bool Stream);
