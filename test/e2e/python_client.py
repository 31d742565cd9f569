"""Calls auth as a service in Python would, by grpcio and messages made from descriptors at run time.

usage: python_client.py DESCRIPTOR_SET HOST:PORT; prints what it saw as JSON.
"""

import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

descriptor_set_file, address = sys.argv[1:]

pool = descriptor_pool.DescriptorPool()
with open(descriptor_set_file, "rb") as file:
    for descriptor in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
        pool.Add(descriptor)
factory = message_factory.MessageFactory(pool)


def message(name):
    return factory.GetPrototype(pool.FindMessageTypeByName(name))


def call(channel, service, method, timeout=10, **fields):
    descriptor = pool.FindServiceByName(service).FindMethodByName(method)
    request, response = message(descriptor.input_type.full_name), message(descriptor.output_type.full_name)
    stub = channel.unary_unary(
        f"/{service}/{method}",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    return stub(request(**fields), timeout=timeout)


def failure(error):
    """The code, the message and the reason of a failed call."""
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    for detail in message("google.rpc.Status").FromString(details).details:
        info = message("google.rpc.ErrorInfo")()
        if detail.Unpack(info):
            return [error.code().name, error.details(), info.reason]


def outcome(attempt):
    try:
        attempt()
    except grpc.RpcError as error:
        return error


users, authentication = "auth.v1.UserService", "auth.v1.AuthenticationService"
secret = "correct horse battery staple"

with grpc.insecure_channel(address) as channel:
    created = call(channel, users, "CreateUser", user={"username": "python"}, password=secret)
    verified = call(channel, authentication, "VerifyPassword", identifier="PYTHON", password=secret)
    wrong = outcome(lambda: call(channel, authentication, "VerifyPassword", identifier="python", password="wrong"))
    missing = outcome(lambda: call(channel, users, "GetUser", id="0b8e4c1e-9b9c-4b57-a8b5-0b0b4b0d5d11"))
    late = outcome(
        lambda: call(channel, authentication, "VerifyPassword", timeout=0.001, identifier="python", password=secret)
    )
    # C-core drops an error whose trailers exceed 16 KiB and reports RESOURCE_EXHAUSTED instead.
    many = [
        failure(outcome(lambda: call(channel, users, "BatchGetUsers", keys=[{"id": f"no-{i}"} for i in range(count)])))
        for count in (110, 500)
    ]
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    # HealthCheckResponse { status = SERVING }
    health = check(b"", timeout=10)

print(
    json.dumps(
        {
            "created": created.user.username,
            "verified": verified.user.username,
            "wrong": failure(wrong),
            "missing": failure(missing),
            "many": [[code, reason] for code, _, reason in many],
            "late": late.code().name,
            "health": health[1],
        }
    )
)
