import { randomBytes } from "node:crypto";
import { Needles } from "../tokens/needles.ts";

/**
 * Texts that are nowhere but where a secret belongs, so that whatever shows one has leaked it. Each is looked for whole and in
 * halves, in all the encodings of `Needles`.
 */
export class Canaries {
  readonly needles = new Needles();
  #made = 0;

  /** A new one for a place. Good as a password, too. */
  at(place: string): string {
    this.#made += 1;
    const text = `cnry${randomBytes(20).toString("hex")}`;
    this.know(`${place} (canary ${this.#made})`, text);
    return text;
  }

  /** A secret that the service has made itself, or that has a form of its own. */
  know(place: string, text: string): void {
    const middle = Math.floor(text.length / 2);
    this.needles.addText(place, text);
    this.needles.addText(`first half of ${place}`, text.slice(0, middle));
    this.needles.addText(`second half of ${place}`, text.slice(middle));
  }

  foundIn(text: string | Buffer): string[] {
    return this.needles.findIn(Buffer.from(text));
  }
}
