package test;

import auth.v1.AuthenticationServiceGrpc;
import auth.v1.AuthenticationServiceOuterClass.VerifyPasswordRequest;
import auth.v1.UserOuterClass.User;
import auth.v1.UserServiceGrpc;
import auth.v1.UserServiceOuterClass.BatchGetUsersRequest;
import auth.v1.UserServiceOuterClass.CreateUserRequest;
import auth.v1.UserServiceOuterClass.GetUserRequest;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.BadRequest.FieldViolation;
import com.google.rpc.ErrorInfo;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.protobuf.StatusProto;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** One call of each kind to one server, and what each call got. */
final class Answers {
  private static final String PASSWORD = "correct horse battery staple";

  /** The longest deadline in 32 bits of milliseconds, which some clients send for "no limit". */
  private static final long UINT32_MAX = 4_294_967_295L;

  private Answers() {}

  /** A failed call as a caller reads it. The fields are those that a BadRequest names, at most two. */
  record Failure(String code, String message, String reason, List<String> fields) {}

  static Map<String, Object> of(String address) throws Exception {
    ManagedChannel channel = Grpc.newChannelBuilder(address, InsecureChannelCredentials.create()).build();
    var users = UserServiceGrpc.newBlockingStub(channel);
    var authentication = AuthenticationServiceGrpc.newBlockingStub(channel);
    var right = VerifyPasswordRequest.newBuilder().setIdentifier("JAVA").setPassword(PASSWORD).build();
    var wrong = VerifyPasswordRequest.newBuilder().setIdentifier("java").setPassword("wrong").build();

    User created =
        users
            .createUser(
                CreateUserRequest.newBuilder()
                    .setUser(User.newBuilder().setUsername("java"))
                    .setPassword(PASSWORD)
                    .build())
            .getUser();
    var getUser = GetUserRequest.newBuilder().setId(created.getId()).build();

    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("created", created.getUsername());
    seen.put("verified", authentication.verifyPassword(right).getUser().getUsername());
    seen.put("wrong", failureOf(() -> authentication.verifyPassword(wrong)));
    // Netty's client accepts 8 KiB of metadata.
    seen.put("invalid", failureOf(() -> users.batchGetUsers(invalidKeys(110))));
    seen.put(
        "late",
        codeOf(() -> authentication.withDeadlineAfter(1, TimeUnit.MILLISECONDS).verifyPassword(right)));
    seen.put(
        "patient",
        codeOf(() -> users.withDeadlineAfter(UINT32_MAX, TimeUnit.MILLISECONDS).getUser(getUser)));
    seen.put(
        "health",
        HealthGrpc.newBlockingStub(channel)
            .check(HealthCheckRequest.newBuilder().setService("readiness").build())
            .getStatus()
            .name());
    channel.shutdownNow();
    return seen;
  }

  private static BatchGetUsersRequest invalidKeys(int n) {
    var request = BatchGetUsersRequest.newBuilder();
    for (int i = 0; i < n; i++) request.addKeysBuilder().setId("not-a-uuid-" + i);
    return request.build();
  }

  private static Failure failureOf(Runnable call) throws InvalidProtocolBufferException {
    StatusRuntimeException error = errorOf(call);
    if (error == null) return null;
    String reason = "";
    List<String> fields = null;
    com.google.rpc.Status status = StatusProto.fromThrowable(error);
    List<Any> details = status == null ? List.of() : status.getDetailsList();
    for (Any detail : details) {
      if (detail.is(ErrorInfo.class)) reason = detail.unpack(ErrorInfo.class).getReason();
      if (detail.is(BadRequest.class)) {
        List<FieldViolation> violations = detail.unpack(BadRequest.class).getFieldViolationsList();
        fields = violations.stream().limit(2).map(FieldViolation::getField).toList();
      }
    }
    Status received = error.getStatus();
    return new Failure(received.getCode().name(), received.getDescription(), reason, fields);
  }

  private static String codeOf(Runnable call) {
    StatusRuntimeException error = errorOf(call);
    return error == null ? "OK" : error.getStatus().getCode().name();
  }

  private static StatusRuntimeException errorOf(Runnable call) {
    try {
      call.run();
      return null;
    } catch (StatusRuntimeException error) {
      return error;
    }
  }
}
