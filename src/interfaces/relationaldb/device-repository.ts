/** A device on which a user has signed in. */
export interface NewDevice {
  /** UUID. */
  readonly id: string;
  readonly userId: string;
  /** A digest of its token. */
  readonly digest: string;
  readonly keptForMs: number;
}

/** Keeps the devices on which users have signed in. */
export interface DeviceRepository {
  /** Gives the user's device with the digest `before` the new digest and time. Answers whether there is one that has not expired. */
  renew(device: NewDevice, before: string): Promise<boolean>;

  /** Adds a device, unless its digest is there already. The user exists. Of more than `most` of a user the oldest are forgotten. */
  add(device: NewDevice, most: number): Promise<void>;

  /** Forgets the devices of a user. */
  forgetAll(userId: string): Promise<void>;

  /** Forgets up to `limit` devices that have expired. Answers how many. */
  sweep(limit: number): Promise<number>;
}
