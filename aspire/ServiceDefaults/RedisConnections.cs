using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace SmolCluster.ServiceDefaults;

/// <summary>The connections to Redis that the section "Orleans" names, as Aspire passes them: a provider of type Redis with a
/// ServiceKey, and a connection string of that name.</summary>
public static class RedisConnections
{
    /// <summary>Registers a keyed <see cref="IConnectionMultiplexer"/> for each key that is named. A Redis that is away is waited
    /// for: at the start, and whenever it goes.</summary>
    public static TBuilder AddRedisConnections<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        foreach (string key in KeysIn(builder.Configuration.GetSection("Orleans")).Distinct(StringComparer.Ordinal))
        {
            string address = builder.Configuration.GetConnectionString(key) is { Length: > 0 } text ? text
                : throw new InvalidOperationException($"The section Orleans names the Redis '{key}', but there is no ConnectionStrings:{key}.");
            builder.Services.AddKeyedSingleton<IConnectionMultiplexer>(key, (_, _) => ConnectionMultiplexer.Connect(Options(address)));
        }

        return builder;
    }

    /// <summary>Addresses of those that do not answer now.</summary>
    /// <param name="patience">With each.</param>
    public static IEnumerable<string> SilentRedis(this IServiceProvider services, TimeSpan patience) =>
        services.GetKeyedServices<IConnectionMultiplexer>(KeyedService.AnyKey).Where(redis => !Answers(redis, patience))
            .SelectMany(static redis => redis.GetEndPoints()).Select(static address => $"{address}").Distinct(StringComparer.Ordinal);

    private static bool Answers(IConnectionMultiplexer redis, TimeSpan patience)
    {
        try
        {
            return redis.GetDatabase().PingAsync().Wait(patience);
        }
        catch (AggregateException)
        {
            return false;
        }
    }

    /// <summary>The client's own limit of 5 s a command stays: with 2 s, a silo that started on a busy machine gave up on a Redis
    /// that was well.</summary>
    private static ConfigurationOptions Options(string address)
    {
        ConfigurationOptions options = ConfigurationOptions.Parse(address);
        options.AbortOnConnectFail = false;
        return options;
    }

    private static IEnumerable<string> KeysIn(IConfigurationSection section)
    {
        if (string.Equals(section["ProviderType"], "Redis", StringComparison.OrdinalIgnoreCase) && section["ServiceKey"] is { Length: > 0 } key)
        {
            yield return key;
        }

        foreach (string below in section.GetChildren().SelectMany(KeysIn))
        {
            yield return below;
        }
    }
}
