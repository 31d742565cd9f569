import type { X509Certificate } from "node:crypto";
import { PassThrough } from "node:stream";
import { TLSSocket } from "node:tls";

/** The native handle of a TLS socket. Returns the certificate as node:crypto keeps it, or undefined. */
interface TlsHandle {
  getPeerX509Certificate(): object | undefined;
}

const kept = new WeakMap<TlsHandle, object>();
let isKeeping = false;

/**
 * Makes `presentedChain` work. Node's native `getPeerX509Certificate` moves the presented chain out of the TLS session,
 * so only the first call returns it, and since 24.21 Node itself makes that call before a server gets the socket. From
 * now on, later calls on a connection return the first result.
 */
export function keepPresentedChains(): void {
  if (isKeeping) return;
  isKeeping = true;
  const socket = new TLSSocket(new PassThrough());
  const { _handle: handle } = socket as unknown as { _handle: TlsHandle };
  const prototype = Object.getPrototypeOf(handle) as TlsHandle;
  const read = prototype.getPeerX509Certificate;
  prototype.getPeerX509Certificate = function (this: TlsHandle) {
    const known = kept.get(this) ?? read.call(this);
    if (known !== undefined) kept.set(this, known);
    return known;
  };
  socket.destroy();
}

/**
 * The certificates that a client presented: its own first, then the others in the order in which it sent them. Their
 * validity is not checked.
 */
export function presentedChain(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next = socket.getPeerX509Certificate();
  while (next !== undefined) {
    chain.push(next);
    next = next.issuerCertificate;
  }
  return chain;
}
