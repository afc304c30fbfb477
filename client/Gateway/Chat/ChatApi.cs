namespace SmolCluster.Gateway.Chat;

internal static class ChatApi
{
    public static void MapChatCompletions(this IEndpointRouteBuilder routes) { }
}
