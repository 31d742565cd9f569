export const formatNames = ["json", "csv", "keycloak", "kratos", "auth0", "firebase"] as const;

export type FormatName = (typeof formatNames)[number];
