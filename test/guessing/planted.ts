/** What is planted into a service to see whether it is found (`plant-delay.ts`). */
export const plantedMs = 1.5;
export const plantedPrefix = "planted";
