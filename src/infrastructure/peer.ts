import type { X509Certificate } from "node:crypto";
import type { Http2Session } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Peer, PeerCertificate } from "../domain/caller/peer.ts";
import { uriNames } from "./subject-alt-names.ts";

/** A connection has many calls, and its peer stays who it is. */
const known = new WeakMap<Socket | Http2Session, Peer>();

/** The peer on its socket, where the proxy that is an HTTP/2 session's socket finds it too. */
const peerKey = Symbol("peer");
type SocketOfPeer = (Socket | TLSSocket) & { [peerKey]?: KnownPeer };

/** Trust in a certificate is given after the handshake, and can be withdrawn while the connection is open. */
type KnownPeer = Peer & {
  readonly certificate: { fault: string | undefined; trustDomain: string | undefined } | undefined;
};

/** Who is at the other end of a connection. */
export function peerOf(socket: Socket): Peer {
  return known.get(socket) ?? remember(socket, socket);
}

/** Who is at the other end of an HTTP/2 session that is open. */
export function peerOfSession(session: Http2Session): Peer {
  return known.get(session) ?? remember(session, session.socket);
}

/** States whose authority has signed a connection's client certificate. Until then no trust domain vouches for it. */
export function trust(socket: Socket, trustDomain: string): void {
  peerOf(socket);
  const { certificate } = (socket as SocketOfPeer)[peerKey] ?? {};
  if (certificate !== undefined) certificate.trustDomain = trustDomain;
}

/** Withdraws the trust in a connection's client certificate, for every later call and check of it. */
export function distrust(socket: Socket, fault: string): void {
  peerOf(socket);
  const { certificate } = (socket as SocketOfPeer)[peerKey] ?? {};
  if (certificate !== undefined) certificate.fault ??= fault;
}

function remember(connection: Socket | Http2Session, socket: SocketOfPeer): Peer {
  socket[peerKey] ??= { address: plainAddress(socket.remoteAddress), certificate: certificateOf(socket) };
  const peer = socket[peerKey];
  known.set(connection, peer);
  return peer;
}

/** An IPv4 address that came through an IPv6 socket is written as what it is. */
function plainAddress(address: string | undefined): string {
  return address?.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, "") ?? "";
}

function certificateOf(socket: Socket | TLSSocket): (KnownPeer["certificate"] & PeerCertificate) | undefined {
  // A session's socket is a proxy, which is no instance of anything.
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

/** X509-SVID §4.1: what signs others does not speak for itself. */
function faultOf(certificate: X509Certificate): string | undefined {
  return certificate.ca ? "it is a CA certificate" : undefined;
}
