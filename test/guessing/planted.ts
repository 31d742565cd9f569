/** What is planted into a service to see whether it is found (`plant-delay.ts`). */
export const plantedMs = 1.5;
/** Passwords that begin like this take so much longer. */
export const slowPrefix = "planted";
/** Passwords that begin like this are not hashed at all. */
export const unhashedPrefix = "unhashed";
