using Orleans.Persistence;
using Orleans.Serialization;
using Orleans.Storage;
using SmolCluster.Grains;
using StackExchange.Redis;

namespace SmolCluster.Silo.Storage;

/// <summary>Where conversations are kept: in what the section Orleans:GrainStorage:conversations says (Redis, for a cluster), else
/// in a file of this process's data folder, else in the cluster's memory.</summary>
internal static class ConversationStorage
{
    /// <summary>How long a stream that nobody came back for can still be resumed, from the last time it was written to.</summary>
    private static readonly TimeSpan s_answerLifetime = TimeSpan.FromMinutes(10);

    public static ISiloBuilder KeepConversations(this ISiloBuilder silo)
    {
        var configured = silo.Configuration.GetSection($"Orleans:GrainStorage:{GrainsHosting.ConversationStorage}");
        if (string.Equals(configured["ProviderType"], "Redis", StringComparison.OrdinalIgnoreCase))
            return silo.KeepAnswersInRedis(configured["ServiceKey"]);
        if (configured.Exists())
            return silo;
        return string.IsNullOrEmpty(silo.Configuration[SmolClusterOptions.DataFolderKey]) ? silo.AddConversationsInMemory() : silo.KeepInFile();
    }

    /// <summary>Orleans' binding of its section adds the conversations; the answers go to the same Redis, which drops them by
    /// itself in time. Orleans' own serializer, because it takes half the time of JSON and less space.</summary>
    private static ISiloBuilder KeepAnswersInRedis(this ISiloBuilder silo, string? key)
    {
        silo.AddRedisGrainStorage(GrainsHosting.AnswerStorage, options => options.Configure<IServiceProvider>((redis, services) =>
        {
            redis.CreateMultiplexer = _ => Task.FromResult((services.GetRequiredKeyedService<IConnectionMultiplexer>(key), true));
            redis.ConfigurationOptions = new ConfigurationOptions();
            redis.EntryExpiry = s_answerLifetime;
        }));
        foreach (string name in GrainsHosting.StorageNames)
            silo.Services.AddOptions<RedisStorageOptions>(name).Configure<Serializer>((redis, serializer) =>
            {
                redis.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer);
                redis.DeleteStateOnClear = true;
            });
        return silo;
    }

    private static ISiloBuilder KeepInFile(this ISiloBuilder silo)
    {
        silo.Services.AddSingleton(services => new SqliteDatabase(
            services.GetRequiredService<IConfiguration>()[SmolClusterOptions.DataFolderKey]!, GrainsHosting.StorageNames));
        foreach (string name in GrainsHosting.StorageNames)
            silo.Services.AddKeyedSingleton<IGrainStorage>(name, (services, _) => new SqliteGrainStorage(
                services.GetRequiredService<SqliteDatabase>(), name, name == GrainsHosting.AnswerStorage ? s_answerLifetime : null,
                new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>()), services.GetRequiredService<TimeProvider>()));
        return silo;
    }
}
