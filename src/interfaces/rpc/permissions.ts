import { type DescMethod, type DescService, getOption } from "@bufbuild/protobuf";
import { isPermission, type Permission } from "../../domain/caller/permission.ts";
import { permission as permissionOption } from "../../gen/auth/v1/permission_pb.ts";

/** The permission that each method requires, by its descriptor. */
export type MethodPermissions = ReadonlyMap<DescMethod, Permission>;

/**
 * The permission of every method.
 * @throws Error if a method has no permission or an unknown one, so that the service does not start
 */
export function methodPermissions(services: readonly DescService[]): MethodPermissions {
  return new Map(services.flatMap(({ methods }) => methods).map((method) => [method, permissionOf(method)]));
}

/** The name of a method in policies: "auth.v1.UserService/GetUser". */
export function methodName({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}

function permissionOf(method: DescMethod): Permission {
  const permission = getOption(method, permissionOption);
  if (isPermission(permission)) return permission;
  throw new Error(
    `${methodName(method)} has ${permission === "" ? "no permission" : `an unknown permission "${permission}"`}`,
  );
}
