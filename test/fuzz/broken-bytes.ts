import fc from "fast-check";

type Break = (bytes: Uint8Array) => Uint8Array;

const wholeNumber = fc.nat(0xffff_ffff);

/** At a place that is drawn once and fits bytes of any length. */
function placeIn(bytes: Uint8Array, place: number): number {
  return bytes.length === 0 ? 0 : place % bytes.length;
}

const bitFlips: fc.Arbitrary<Break> = fc
  .array(fc.tuple(wholeNumber, fc.nat(7)), { minLength: 1, maxLength: 8 })
  .map((flips) => (bytes) => {
    const broken = Uint8Array.from(bytes);
    for (const [place, bit] of broken.length === 0 ? [] : flips) {
      const at = placeIn(broken, place);
      broken[at] = (broken[at] ?? 0) ^ (1 << bit);
    }
    return broken;
  });

const truncation: fc.Arbitrary<Break> = wholeNumber.map(
  (place) => (bytes) => bytes.subarray(0, placeIn(bytes, place)),
);

const repetition: fc.Arbitrary<Break> = fc
  .tuple(wholeNumber, wholeNumber, fc.integer({ min: 2, max: 300 }))
  .map(([from, to, times]) => (bytes) => {
    const [start = 0, end = 0] = [placeIn(bytes, from), placeIn(bytes, to)].sort((a, b) => a - b);
    const part = bytes.subarray(start, end + 1);
    const copies = Array.from(
      { length: Math.min(times, Math.ceil(100_000 / (part.length + 1))) },
      () => part,
    );
    return Buffer.concat([bytes.subarray(0, start), ...copies, bytes.subarray(end + 1)]);
  });

/** Bytes put in somewhere. */
function insertion(what: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Break> {
  return fc.tuple(wholeNumber, what).map(([place, inserted]) => (bytes) => {
    const at = placeIn(bytes, place);
    return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
  });
}

const anyBytes = fc.uint8Array({ minLength: 1, maxLength: 50 });

/** Ten bytes and more, of which a number has at most ten. */
const hugeVarints = fc
  .tuple(fc.nat(20), fc.nat(255))
  .map(([more, last]) => Uint8Array.from([...Array(8 + more).fill(0xff), last]));

const invalidUtf8 = fc
  .constantFrom([0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0x00])
  .map((bytes) => Uint8Array.from(bytes));

/** A string field of its own whose text is no UTF-8. */
const invalidText = fc
  .tuple(fc.integer({ min: 1, max: 15 }), invalidUtf8)
  .map(([field, text]) => Uint8Array.from([(field << 3) | 2, text.length, ...text]));

/** Another type of wire for some byte, as likely as not a tag. */
const wrongWireType: fc.Arbitrary<Break> = fc
  .tuple(wholeNumber, fc.nat(7))
  .map(([place, type]) => (bytes) => {
    const broken = Uint8Array.from(bytes);
    const at = placeIn(broken, place % 4 === 0 ? 0 : place);
    if (broken.length > 0) broken[at] = ((broken[at] ?? 0) & 0xf8) | type;
    return broken;
  });

/** Messages in messages in messages, thousands deep. */
const nesting: fc.Arbitrary<Break> = fc
  .tuple(fc.integer({ min: 1, max: 15 }), fc.integer({ min: 10, max: 3_000 }))
  .map(
    ([field, depth]) =>
      (bytes) =>
        nested(bytes, field, depth),
  );

/** Groups that are begun and never ended: nothing of ours has groups, so they are skipped, each in the other. */
const groups: fc.Arbitrary<Break> = fc
  .tuple(fc.integer({ min: 1, max: 15 }), fc.integer({ min: 10, max: 60_000 }), fc.boolean())
  .map(([field, depth, closed]) => (bytes) => {
    const ends = closed ? Buffer.alloc(depth, (field << 3) | 4) : Buffer.alloc(0);
    return Buffer.concat([bytes, Buffer.alloc(depth, (field << 3) | 3), ends]);
  });

function nested(bytes: Uint8Array, field: number, depth: number): Uint8Array {
  // Innermost last, so that one pass is enough.
  const heads: Uint8Array[] = [bytes];
  let length = bytes.length;
  for (let i = 0; i < depth; i++) {
    const head = Uint8Array.from([(field << 3) | 2, ...varint(length)]);
    heads.push(head);
    length += head.length;
  }
  return Buffer.concat(heads.reverse());
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** Ways to break the bytes of a protobuf message, one or some after the other; now and then it stays as it was. */
export const protobufBreaks: fc.Arbitrary<Break> = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: bitFlips },
      { weight: 2, arbitrary: truncation },
      { weight: 2, arbitrary: repetition },
      { weight: 2, arbitrary: wrongWireType },
      { weight: 2, arbitrary: insertion(anyBytes) },
      { weight: 2, arbitrary: insertion(hugeVarints) },
      { weight: 2, arbitrary: insertion(invalidUtf8) },
      { weight: 2, arbitrary: insertion(invalidText) },
      { weight: 1, arbitrary: nesting },
      { weight: 1, arbitrary: groups },
    ),
    { maxLength: 3 },
  )
  .map((breaks) => (bytes) => breaks.reduce((broken, each) => each(broken), bytes));

/** Ways to break any bytes. */
export const byteBreaks: fc.Arbitrary<Break> = fc.oneof(
  bitFlips,
  truncation,
  insertion(anyBytes),
  repetition,
);
