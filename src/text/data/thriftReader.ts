/**
 * @file Numbers and structs of Thrift's compact protocol, in which Parquet writes its page headers. What a damaged file
 * says is never believed beyond the bytes that are there.
 */

/** The bytes end, or say what cannot be. */
export class DamagedBytes extends Error {}

/** Field id -> value, for integers, booleans and structs; other fields are skipped. */
export type ThriftStruct = ReadonlyMap<number, number | boolean | ThriftStruct>;

const MAX_DEPTH = 16;
const TYPE = {
  stop: 0,
  true: 1,
  false: 2,
  byte: 3,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
};

export class ByteReader {
  readonly bytes: Uint8Array;
  offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.bytes = bytes;
    this.offset = offset;
  }

  get left(): number {
    return this.bytes.length - this.offset;
  }

  byte(): number {
    const value = this.bytes[this.offset];
    if (value === undefined) throw new DamagedBytes("it ends within a page");
    this.offset += 1;
    return value;
  }

  skip(count: number): void {
    if (!(count >= 0 && count <= this.left)) throw new DamagedBytes("it ends within a page");
    this.offset += count;
  }

  uint32(): number {
    return this.byte() + this.byte() * 2 ** 8 + this.byte() * 2 ** 16 + this.byte() * 2 ** 24;
  }

  /** Unsigned LEB128; exact up to 2⁵³. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new DamagedBytes("a number in a page header has no end");
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  struct(depth = 0): ThriftStruct {
    if (depth > MAX_DEPTH) throw new DamagedBytes("a page header is nested too deeply");
    const fields = new Map<number, number | boolean | ThriftStruct>();
    let id = 0;
    for (;;) {
      const head = this.byte();
      if (head === TYPE.stop) return fields;
      id = head >> 4 === 0 ? this.zigzag() : id + (head >> 4);
      const value = this.#value(head & 15, depth);
      if (value !== null) fields.set(id, value);
    }
  }

  #value(type: number, depth: number): number | boolean | ThriftStruct | null {
    switch (type) {
      case TYPE.true:
        return true;
      case TYPE.false:
        return false;
      case TYPE.byte:
        return this.byte();
      case TYPE.double:
        this.skip(8);
        return null;
      case TYPE.binary:
        this.skip(this.varint());
        return null;
      case TYPE.list:
      case TYPE.set: {
        const head = this.byte();
        const count = head >> 4 === 15 ? this.varint() : head >> 4;
        // Each element takes a byte at least.
        if (count > this.left) throw new DamagedBytes("it ends within a page");
        for (let i = 0; i < count; i += 1) this.#element(head & 15, depth);
        return null;
      }
      case TYPE.struct:
        return this.struct(depth + 1);
      default:
        if (type > TYPE.byte && type <= TYPE.i64) return this.zigzag();
        throw new DamagedBytes(`a page header has a field of the unknown type ${type}`);
    }
  }

  #element(type: number, depth: number): void {
    if (type === TYPE.true || type === TYPE.false) this.byte();
    else this.#value(type, depth + 1);
  }
}
