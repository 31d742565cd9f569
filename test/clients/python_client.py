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


def call(channel, service, method, /, timeout=10, **fields):
    descriptor = pool.FindServiceByName(service).FindMethodByName(method)
    request, response = message(descriptor.input_type.full_name), message(descriptor.output_type.full_name)
    stub = channel.unary_unary(
        f"/{service}/{method}",
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    return stub(request(**fields), timeout=timeout)


def failure(error):
    """A failed call as a caller reads it. The fields are those that a BadRequest names, at most two."""
    seen = {"code": error.code().name, "message": error.details(), "reason": ""}
    status = message("google.rpc.Status").FromString(dict(error.trailing_metadata()).get("grpc-status-details-bin", b""))
    for detail in status.details:
        info, bad_request = message("google.rpc.ErrorInfo")(), message("google.rpc.BadRequest")()
        if detail.Unpack(info):
            seen["reason"] = info.reason
        if detail.Unpack(bad_request):
            seen["fields"] = [violation.field for violation in bad_request.field_violations[:2]]
    return seen


def outcome(attempt):
    """The error that a call raised, if it raised one."""
    try:
        attempt()
    except grpc.RpcError as error:
        return error


def code(error):
    return "OK" if error is None else error.code().name


users, authentication = "auth.v1.UserService", "auth.v1.AuthenticationService"
secret = "correct horse battery staple"

with grpc.insecure_channel(address) as channel:
    created = call(channel, users, "CreateUser", user={"username": "python"}, password=secret)
    verified = call(channel, authentication, "VerifyPassword", identifier="PYTHON", password=secret)
    wrong = outcome(lambda: call(channel, authentication, "VerifyPassword", identifier="python", password="wrong"))
    # C-core's client accepts 16 KiB of metadata.
    keys = [{"id": f"not-a-uuid-{i}"} for i in range(500)]
    invalid = outcome(lambda: call(channel, users, "BatchGetUsers", keys=keys))
    late = outcome(
        lambda: call(channel, authentication, "VerifyPassword", timeout=0.001, identifier="python", password=secret)
    )
    # The longest deadline in 32 bits of milliseconds, which some clients send for "no limit".
    patient = outcome(lambda: call(channel, users, "GetUser", timeout=(2**32 - 1) / 1000, id=created.user.id))
    health = call(channel, "grpc.health.v1.Health", "Check", service="readiness")

print(
    json.dumps(
        {
            "created": created.user.username,
            "verified": verified.user.username,
            "wrong": failure(wrong),
            "invalid": failure(invalid),
            "late": code(late),
            "patient": code(patient),
            "health": health.DESCRIPTOR.fields_by_name["status"].enum_type.values_by_number[health.status].name,
        }
    )
)
