using SmolCluster.Engine.Quantization;

namespace SmolCluster.Engine.Tests.Quantization;

/// <summary>Float bits of four tokens, recorded with the scalar kernels on x64 (DOTNET_EnableHWIntrinsic=0).</summary>
internal static class RecordedBits
{
    public static string Of(GgmlType type) => type switch
    {
        GgmlType.F32 => "4c3074e4 cc16f71a cc6c3eff 4d8d8dea",
        GgmlType.F16 => "cc2dadc9 cb5023e6 4a7f5fa0 4c3958ac",
        GgmlType.Q4_0 => "4e48205f cba3f728 4abd2ac9 cd38401a",
        GgmlType.Q4_1 => "ce976a2b ce976ac5 cd838e7b 4eaaa240",
        GgmlType.Q5_0 => "cc735e4f cc5411a1 4e62e50a cd9b7a93",
        GgmlType.Q5_1 => "ca54193b cd196d4e 4be15686 cccc7314",
        GgmlType.Q8_0 => "ca845962 4690676d 4b90f971 4df67b33",
        GgmlType.Q2_K => "4ea1e25c cecdd1c6 4f11c98b ce79a74d",
        GgmlType.Q3_K => "413cfca6 44c9a363 c512d9df 449b3ef2",
        GgmlType.Q4_K => "470d3ec1 45c3797f c6589589 c6acd831",
        GgmlType.Q5_K => "cee07c38 d03c2541 d1118c6d d1daa9c0",
        GgmlType.Q6_K => "51c54b72 d1d25c84 483d59c5 d1aa7203",
        GgmlType.IQ4_NL => "503ec8a8 cd4306b6 4cba3616 ceeb2c10",
        GgmlType.IQ4_XS => "47a2b07f c64f57bf 46201c1a c80535c0",
        GgmlType.BF16 => "4cf0e30c 4c01a586 4c2cdc0d 4cb686ff",
        _ => throw new ArgumentException($"No bits recorded for {type}.", nameof(type)),
    };
}
