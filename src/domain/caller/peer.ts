/** The remote end of a connection, as far as the connection identifies it. */
export interface Peer {
  /** IP address, without the port. */
  readonly address: string;
  /** The certificate that the peer presented in the TLS handshake. */
  readonly certificate: PeerCertificate | undefined;
}

/** A client certificate. */
export interface PeerCertificate {
  /** Why the certificate is not trusted, in a few words (unknown CA, expired, …); undefined if it is valid. */
  readonly fault: string | undefined;
  /** The trust domain whose CA signed the certificate (X509-SVID §5.1); undefined if there is none. */
  readonly trustDomain: string | undefined;
  /** All URIs among the subject alternative names. */
  readonly uris: readonly string[];
  /** Expiry, in milliseconds of the Unix epoch. */
  readonly expiresAt: number;
}
