package test;

import auth.v1.UserOuterClass.User;
import auth.v1.UserServiceGrpc;
import auth.v1.UserServiceGrpc.UserServiceBlockingStub;
import auth.v1.UserServiceOuterClass.CreateUserRequest;
import auth.v1.UserServiceOuterClass.GetUserRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ConnectivityState;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A steady load of reads and writes over all replicas, and a connection that idles meanwhile. */
final class Balance {
  /** Fifty calls a second. */
  private static final int PAUSE_MS = 20;

  private static final int DEADLINE_SECONDS = 14;
  private static final int IDLE_SECONDS = 12;

  private final ManagedChannel channel;
  private final UserServiceBlockingStub users;
  private final String userId;
  private final AtomicInteger begun = new AtomicInteger();
  private final ConcurrentLinkedQueue<String> failures = new ConcurrentLinkedQueue<>();

  /** The replicas that have answered a call since this was last cleared. */
  private final Set<SocketAddress> answered = ConcurrentHashMap.newKeySet();

  /** The states are those that the connection was in after the first call. More than one: the server has closed it. */
  record IdleOutcome(List<String> states, String code) {}

  private Balance(List<String> addresses) {
    channel = Replicas.connect(addresses);
    users = UserServiceGrpc.newBlockingStub(channel).withInterceptors(new NoteAnswers());
    var user = User.newBuilder().setUsername("java-balance");
    userId = users.createUser(CreateUserRequest.newBuilder().setUser(user).build()).getUser().getId();
  }

  /**
   * Calls the replicas until standard input ends. For each line of input it waits until each replica has answered a call
   * since, and prints "balanced".
   */
  static Map<String, Object> over(List<String> addresses) throws Exception {
    var balance = new Balance(addresses);
    var idling = CompletableFuture.supplyAsync(() -> balance.idle(addresses.get(addresses.size() - 1)));
    ExecutorService callers = Executors.newCachedThreadPool();
    ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
    clock.scheduleAtFixedRate(() -> callers.execute(balance::call), 0, PAUSE_MS, TimeUnit.MILLISECONDS);
    var input = new BufferedReader(new InputStreamReader(System.in));
    while (input.readLine() != null) {
      balance.answered.clear();
      while (balance.answered.size() < addresses.size()) Thread.sleep(PAUSE_MS);
      System.out.println("balanced");
    }
    IdleOutcome idled = idling.get();
    clock.shutdown();
    clock.awaitTermination(DEADLINE_SECONDS, TimeUnit.SECONDS);
    callers.shutdown();
    if (!callers.awaitTermination(2 * DEADLINE_SECONDS, TimeUnit.SECONDS)) {
      balance.failures.add("calls without an answer");
    }
    balance.channel.shutdownNow();
    return Map.of("calls", balance.begun.get(), "failures", balance.failures, "idle", idled);
  }

  /** Makes a write to every four reads. */
  private void call() {
    int n = begun.getAndIncrement();
    var stub = users.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    try {
      if (n % 5 == 0) {
        stub.createUser(
            CreateUserRequest.newBuilder()
                .setUser(User.newBuilder().setUsername("java-" + n))
                .setRequestId(UUID.randomUUID().toString())
                .build());
      } else {
        stub.getUser(GetUserRequest.newBuilder().setId(userId).build());
      }
    } catch (StatusRuntimeException error) {
      failures.add(error.toString());
    }
  }

  /** Lets a connection be idle for longer than its keepalive time, and uses it again. */
  private IdleOutcome idle(String address) {
    ManagedChannel idle = Replicas.connect(List.of(address));
    try {
      UserServiceGrpc.newBlockingStub(idle).getUser(GetUserRequest.newBuilder().setId(userId).build());
      List<String> states = new ArrayList<>();
      noteStates(idle, states);
      TimeUnit.SECONDS.sleep(IDLE_SECONDS);
      UserServiceGrpc.newBlockingStub(idle).getUser(GetUserRequest.newBuilder().setId(userId).build());
      synchronized (states) {
        return new IdleOutcome(List.copyOf(states), "OK");
      }
    } catch (StatusRuntimeException error) {
      return new IdleOutcome(List.of(), error.getStatus().getCode().name());
    } catch (InterruptedException error) {
      throw new IllegalStateException(error);
    } finally {
      idle.shutdownNow();
    }
  }

  private static void noteStates(ManagedChannel channel, List<String> states) {
    ConnectivityState state = channel.getState(false);
    synchronized (states) {
      states.add(state.name());
    }
    channel.notifyWhenStateChanged(state, () -> noteStates(channel, states));
  }

  /** Notes the address of each replica that has answered. */
  private final class NoteAnswers implements ClientInterceptor {
    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
      return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
        @Override
        public void start(Listener<A> listener, Metadata headers) {
          super.start(
              new SimpleForwardingClientCallListener<>(listener) {
                @Override
                public void onClose(Status status, Metadata trailers) {
                  SocketAddress replica = getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
                  if (status.isOk() && replica != null) answered.add(replica);
                  super.onClose(status, trailers);
                }
              },
              headers);
        }
      };
    }
  }
}
