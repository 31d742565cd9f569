/** A device on which a user has signed in. */
export interface NewDevice {
  /** UUID. */
  readonly id: string;
  readonly userId: string;
  /** Digest of its token. */
  readonly digest: string;
  readonly keptForMs: number;
}

/** Stores the devices on which users have signed in. */
export interface DeviceRepository {
  /**
   * Replaces the digest `before` of a user's device with the new digest and time. Returns whether there is such a
   * device that has not expired.
   */
  renew(device: NewDevice, before: string): Promise<boolean>;

  /**
   * Adds a device, unless its digest exists. The user must exist. Deletes the oldest devices of the user beyond `most`.
   */
  add(device: NewDevice, most: number): Promise<void>;

  /** Deletes the devices of a user. */
  forgetAll(userId: string): Promise<void>;

  /** Deletes up to `limit` expired devices. Returns how many. */
  sweep(limit: number): Promise<number>;
}
