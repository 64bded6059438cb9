// Reads JSON and remembers where each value stands, so that an error can name its line.

/** A text that is not JSON, and the offset of its first wrong character. */
export class JsonSyntaxError extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

export interface LocatedJson {
  readonly value: unknown;
  /** Where values begin, by JSON pointer: `#/properties/a`. */
  readonly offsets: ReadonlyMap<string, number>;
}

const SPACE = /[ \t\r\n]*/y;
const TEXT = /"(?:[^"\\]|\\.)*"/sy;
const WORD = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** @throws JsonSyntaxError */
export function parseLocated(text: string): LocatedJson {
  const reader = new JsonReader(text);
  const value = reader.value('#');
  reader.end();
  return { value, offsets: reader.offsets };
}

/** The part of a JSON pointer that names `name`. */
export const pointerStep = (name: string | number): string => String(name).replaceAll('~', '~0').replaceAll('/', '~1');

class JsonReader {
  readonly offsets = new Map<string, number>();
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    // A byte order mark.
    this.#at = text.startsWith('\ufeff') ? 1 : 0;
    this.#text = text;
  }

  value(pointer: string): unknown {
    this.#skip();
    this.offsets.set(pointer, this.#at);
    if (this.#takes('{')) return this.#object(pointer);
    if (this.#takes('[')) return this.#array(pointer);
    const token = this.#match(TEXT) ?? this.#match(WORD);
    if (token === undefined) this.#fail('expected a value');
    return this.#parse(token);
  }

  end(): void {
    this.#skip();
    if (this.#at < this.#text.length) this.#fail('expected the end');
  }

  #object(pointer: string): object {
    const entries = new Map<string, unknown>();
    this.#skip();
    if (this.#takes('}')) return {};
    do {
      this.#skip();
      const start = this.#at;
      const token = this.#match(TEXT);
      if (token === undefined) this.#fail('expected a name in double quotes');
      const name = this.#parse(token) as string;
      this.#skip();
      if (!this.#takes(':')) this.#fail('expected a colon');
      const inside = `${pointer}/${pointerStep(name)}`;
      entries.set(name, this.value(inside));
      // A property stands where its name does.
      this.offsets.set(inside, start);
      this.#skip();
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#fail('expected a comma or }');
    return Object.fromEntries(entries);
  }

  #array(pointer: string): unknown[] {
    const items: unknown[] = [];
    this.#skip();
    if (this.#takes(']')) return items;
    do {
      items.push(this.value(`${pointer}/${items.length}`));
      this.#skip();
    } while (this.#takes(','));
    if (!this.#takes(']')) this.#fail('expected a comma or ]');
    return items;
  }

  /** Of a text, that it holds no raw control character and no unknown escape. */
  #parse(token: string): unknown {
    try {
      return JSON.parse(token);
    } catch {
      this.#at -= token.length;
      this.#fail('expected a text with no line break and no unknown escape');
    }
  }

  #skip(): void {
    this.#match(SPACE);
  }

  #takes(sign: string): boolean {
    if (this.#text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const [token] = pattern.exec(this.#text) ?? [];
    this.#at += token?.length ?? 0;
    return token;
  }

  #fail(message: string): never {
    throw new JsonSyntaxError(message, this.#at);
  }
}
