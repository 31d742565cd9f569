import type { X509Certificate } from "node:crypto";
import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Peer, PeerCertificate } from "../../domain/caller/peer.ts";
import { uriNames } from "./subject-alt-names.ts";

/** All calls of a connection share its peer. */
const known = new WeakMap<Socket | Http2Session, Peer>();

/** The property of a socket that stores its peer. The proxy that is an HTTP/2 session's socket has it too. */
const peerKey = Symbol("peer");
type SocketOfPeer = (Socket | TLSSocket) & { [peerKey]?: KnownPeer };

/** Trust in a certificate is established after the handshake, and can be withdrawn while the connection is open. */
type KnownPeer = Peer & {
  readonly certificate: { fault: string | undefined; trustDomain: string | undefined } | undefined;
};

/** The peer of a connection. */
export function peerOf(socket: Socket): Peer {
  return known.get(socket) ?? remember(socket, socket);
}

/** The peer of an open HTTP/2 session. */
export function peerOfSession(session: Http2Session): Peer {
  return known.get(session) ?? remember(session, session.socket);
}

/**
 * Records which trust domain's authority signed a connection's client certificate. Until then the certificate belongs
 * to no trust domain.
 */
export function trust(socket: Socket, trustDomain: string): void {
  peerOf(socket);
  const { certificate } = (socket as SocketOfPeer)[peerKey] ?? {};
  if (certificate !== undefined) certificate.trustDomain = trustDomain;
}

/** Withdraws the trust in a connection's client certificate, for all later calls and checks. */
export function distrust(socket: Socket, fault: string): void {
  peerOf(socket);
  const { certificate } = (socket as SocketOfPeer)[peerKey] ?? {};
  if (certificate !== undefined) certificate.fault ??= fault;
}

function remember(connection: Socket | Http2Session, socket: SocketOfPeer): Peer {
  socket[peerKey] ??= { address: unmapIpv4(socket.remoteAddress), certificate: certificateOf(socket) };
  const peer = socket[peerKey];
  known.set(connection, peer);
  return peer;
}

/** Writes an IPv4-mapped IPv6 address as the IPv4 address. */
function unmapIpv4(address: string | undefined): string {
  return address?.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, "") ?? "";
}

function certificateOf(socket: Socket | TLSSocket): (KnownPeer["certificate"] & PeerCertificate) | undefined {
  // A session's socket is a proxy and not an instance of TLSSocket.
  const tls = socket as Partial<TLSSocket>;
  const certificate = tls.getPeerX509Certificate?.();
  if (certificate === undefined) return undefined;
  const fault = tls.authorized === true ? faultOf(certificate) : String(tls.authorizationError);
  return {
    fault,
    trustDomain: undefined,
    uris: uriNames(certificate.subjectAltName ?? ""),
    expiresAt: Date.parse(certificate.validTo),
  };
}

/** A signing certificate must not identify a caller (X509-SVID §4.1). */
function faultOf(certificate: X509Certificate): string | undefined {
  return certificate.ca ? "it is a CA certificate" : undefined;
}
