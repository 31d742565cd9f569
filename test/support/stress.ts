/** Whether this is `npm run test:stress`: the same tests with more of everything, for hours and not for minutes. */
export const isStress = process.env["STRESS"] === "1";

/** How often or how much: in every run of the tests, and in `npm run test:stress`. */
export function stress(usually: number, inStress: number): number {
  return isStress ? inStress : usually;
}
