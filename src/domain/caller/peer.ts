/** Who is at the other end of a connection, as far as the connection tells. */
export interface Peer {
  /** IP address, without the port. */
  readonly address: string;
  /** What it has shown of itself in the TLS handshake. */
  readonly certificate: PeerCertificate | undefined;
}

/** The certificate of a client. */
export interface PeerCertificate {
  /** Why it is none to be believed, in a few words: another authority's, expired, …; undefined where it is good. */
  readonly fault: string | undefined;
  /** The trust domain whose authority has signed it (X509-SVID §5.1); undefined if there is none. */
  readonly trustDomain: string | undefined;
  /** Every URI among its subject alternative names. */
  readonly uris: readonly string[];
  /** When it ends, in milliseconds of the Unix epoch. */
  readonly expiresAt: number;
}
