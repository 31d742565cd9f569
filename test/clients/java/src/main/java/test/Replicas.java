package test;

import io.grpc.Attributes;
import io.grpc.EquivalentAddressGroup;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.StatusOr;
import io.grpc.netty.NettyChannelBuilder;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Channels that balance over replicas at fixed addresses, as a client in production would. */
final class Replicas {
  private static final Map<String, Object> SERVICE_CONFIG =
      Map.of(
          "loadBalancingConfig",
          List.of(Map.of("round_robin", Map.of())),
          "healthCheckConfig",
          Map.of("serviceName", "readiness"),
          "methodConfig",
          List.of(
              Map.of(
                  "name",
                  List.of(Map.of()),
                  "retryPolicy",
                  Map.of(
                      "maxAttempts", 4.0,
                      "initialBackoff", "0.05s",
                      "maxBackoff", "1s",
                      "backoffMultiplier", 2.0,
                      "retryableStatusCodes", List.of("UNAVAILABLE")))));

  private Replicas() {}

  static ManagedChannel connect(List<String> addresses) {
    NameResolverRegistry.getDefaultRegistry().register(new Fixed());
    return NettyChannelBuilder.forTarget("replicas:///" + String.join(",", addresses), InsecureChannelCredentials.create())
        .defaultServiceConfig(SERVICE_CONFIG)
        .keepAliveTime(1, TimeUnit.SECONDS)
        .keepAliveTimeout(10, TimeUnit.SECONDS)
        .keepAliveWithoutCalls(true)
        .build();
  }

  /** Resolves replicas:///HOST:PORT,HOST:PORT. */
  private static final class Fixed extends NameResolverProvider {
    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
      List<EquivalentAddressGroup> groups =
          List.of(target.getPath().substring(1).split(",")).stream().map(Fixed::groupOf).toList();
      return new NameResolver() {
        @Override
        public String getServiceAuthority() {
          return "auth";
        }

        @Override
        public void start(Listener2 listener) {
          listener.onResult(ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromValue(groups)).build());
        }

        @Override
        public void shutdown() {}
      };
    }

    private static EquivalentAddressGroup groupOf(String address) {
      int colon = address.lastIndexOf(':');
      SocketAddress socketAddress =
          new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1)));
      return new EquivalentAddressGroup(socketAddress, Attributes.EMPTY);
    }

    @Override
    public String getDefaultScheme() {
      return "replicas";
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 5;
    }

    @Override
    public Collection<Class<? extends SocketAddress>> getProducedSocketAddressTypes() {
      return Set.of(InetSocketAddress.class);
    }
  }
}
