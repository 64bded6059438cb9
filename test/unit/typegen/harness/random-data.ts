// Data at random for a schema: what meets it, more or less, and then changed here and there.

/** A schema as JSON. */
export type Schema = Readonly<Record<string, unknown>>;

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const STRAYS: readonly unknown[] = [null, true, false, 0, 1, -3, 1.5, 250, '', 'a', 'text', '2020-01-01T00:00:00Z', [], [1], ['a'], [{}], [null, 'a'], {}, { a: 1 }, { length: 2 }, { name: 'n', value: 'v' }]; // prettier-ignore
const TEXTS: Readonly<Record<string, string>> = {
  'date-time': '2020-01-01T00:00:00Z',
  date: '2020-01-01',
  uuid: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  uri: 'https://acme.com/a',
  email: 'a@acme.com',
  ipv4: '10.0.0.1',
  ipv6: '::1',
  hostname: 'acme.com',
};
const MOST_DEPTH = 8;

export class RandomData {
  readonly #random: () => number;
  readonly #root: Schema;
  /** Names that the schema knows anywhere. */
  readonly #names: readonly string[];

  constructor(schema: Schema, seed: number) {
    this.#root = schema;
    this.#random = seeded(seed);
    this.#names = [...new Set(namesIn(schema))];
  }

  /** A value of the root's kind: an object, as an event or an entity sends it. */
  next(): object {
    let value = this.#of([this.#root], 0);
    if (typeof value !== 'object' || value === null) value = {};
    const changes = this.#pick([0, 0, 1, 1, 1, 2, 3]);
    for (let change = 0; change < changes; change++) value = this.#change(value, 0);
    return value as object;
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  /** A value that is to meet all of the schemas. */
  #of(given: readonly unknown[], depth: number): unknown {
    const schemas = this.#flat(given);
    const choices = schemas.map((schema) => schema['enum']).find(Array.isArray);
    if (choices) return structuredClone(this.#pick(choices as unknown[]));
    const lists = schemas.map(({ type }) => type).filter((type) => type !== undefined);
    const kinds: readonly unknown[] = lists.length > 0 ? [lists[0]].flat() : this.#guess(schemas);
    const shared = kinds.filter((kind) => lists.every((list) => ([list].flat() as unknown[]).includes(kind)));
    const kind = this.#pick(shared.length > 0 ? shared : kinds);
    if (kind === 'object') return this.#object(schemas, depth);
    if (kind === 'array') return this.#array(schemas, depth);
    if (kind === 'string') return this.#text(Object.assign({}, ...schemas) as Schema);
    if (kind === 'integer' || kind === 'number') return this.#number(Object.assign({}, ...schemas) as Schema, kind);
    return kind === 'boolean' ? this.#chance(0.5) : null;
  }

  #guess(schemas: readonly Schema[]): readonly unknown[] {
    if (schemas.some((schema) => schema['properties'] ?? schema['required'] ?? schema['additionalProperties'])) return ['object', 'object', 'object', 'string']; // prettier-ignore
    if (schemas.some((schema) => schema['items'] !== undefined)) return ['array', 'array', 'number'];
    return ['string', 'number', 'boolean', 'null', 'array', 'object'];
  }

  #flat(given: readonly unknown[]): Schema[] {
    return given.flatMap((each) => {
      const schema = (typeof each === 'object' && each !== null ? each : {}) as Schema;
      const further: unknown[] = [];
      if (typeof schema['$ref'] === 'string') further.push(this.#resolve(schema['$ref']));
      if (Array.isArray(schema['allOf'])) further.push(...(schema['allOf'] as unknown[]));
      for (const keyword of ['anyOf', 'oneOf'])
        if (Array.isArray(schema[keyword])) further.push(this.#pick(schema[keyword] as unknown[]));
      return [schema, ...this.#flat(further)];
    });
  }

  #resolve(reference: string): unknown {
    let target: unknown = this.#root;
    for (const step of reference.split('/').slice(1)) target = (target as Schema)[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')]; // prettier-ignore
    return target;
  }

  #object(schemas: readonly Schema[], depth: number): object {
    const properties = new Map<string, unknown[]>();
    for (const schema of schemas)
      for (const [name, part] of Object.entries((schema['properties'] ?? {}) as Schema)) properties.set(name, [...(properties.get(name) ?? []), part]); // prettier-ignore
    const required = new Set(schemas.flatMap((schema) => (schema['required'] ?? []) as string[]));
    const share = depth > MOST_DEPTH ? 0 : this.#pick([0.2, 0.5, 0.8]);
    const entries: [string, unknown][] = [];
    for (const name of new Set([...properties.keys(), ...required]))
      if (required.has(name) || this.#chance(share))
        entries.push([name, this.#of(properties.get(name) ?? [], depth + 1)]);
    for (const schema of schemas) {
      const more = schema['additionalProperties'];
      if (typeof more === 'object' && this.#chance(0.6)) entries.push([this.#pick(['extra', 'other', 'x1']), this.#of([more], depth + 1)]); // prettier-ignore
    }
    return Object.fromEntries(entries);
  }

  #array(schemas: readonly Schema[], depth: number): unknown[] {
    const { items, additionalItems, minItems = 0, maxItems = 3 } = Object.assign({}, ...schemas) as Schema;
    const least = minItems as number;
    const length = depth > MOST_DEPTH ? least : Math.min(Math.max(least, this.#pick([0, 1, 2, 3])), maxItems as number);
    return Array.from({ length }, (_each, index) => {
      const part: unknown = Array.isArray(items) ? (items[index] ?? additionalItems) : items;
      return this.#of([part], depth + 1);
    });
  }

  #text({ format, minLength = 0, maxLength = 30 }: Schema): string {
    const known = typeof format === 'string' ? TEXTS[format] : undefined;
    const text = known ?? this.#pick(['', 'a', 'some text', 'it’s "quoted" \\ ü 😀', 'x'.repeat(20), '7']);
    return text.padEnd(minLength as number, 'x').slice(0, maxLength as number);
  }

  #number({ minimum, maximum, multipleOf }: Schema, kind: string): number {
    const least = Number(minimum ?? Math.min(0, Number(maximum ?? 0)));
    const most = Number(maximum ?? least + 100);
    const value = least + this.#random() * Math.min(most - least, 1000);
    if (typeof multipleOf === 'number') return Math.round(value / multipleOf) * multipleOf;
    return kind === 'integer' || this.#chance(0.5) ? Math.ceil(value) : Math.round(value * 100) / 100;
  }

  /** Changes one place, anywhere inside. */
  #change(value: unknown, depth: number): unknown {
    if (typeof value !== 'object' || value === null || (depth > 0 && this.#chance(0.3)))
      return depth === 0 ? value : this.#pick(STRAYS);
    const isDeeper = this.#chance(depth === 0 ? 0.6 : 0.5);
    if (Array.isArray(value)) {
      const list = [...(value as unknown[])];
      const index = Math.floor(this.#random() * list.length);
      if (isDeeper && list.length > 0) list[index] = this.#change(list[index], depth + 1);
      else if (this.#chance(0.5)) list.push(this.#pick([...STRAYS, ...list]));
      else list.splice(index, 1);
      return list;
    }
    const entries = new Map(Object.entries(value));
    const name = this.#pick([...entries.keys()]);
    if (isDeeper && name !== undefined) entries.set(name, this.#change(entries.get(name), depth + 1));
    else if (name !== undefined && this.#chance(0.5)) entries.delete(name);
    else
      entries.set(this.#pick([...this.#names, ...this.#names, 'stray']), this.#pick([...STRAYS, ...entries.values()]));
    return Object.fromEntries(entries);
  }
}

function* namesIn(schema: unknown): Generator<string> {
  if (typeof schema !== 'object' || schema === null) return;
  for (const [keyword, part] of Object.entries(schema)) {
    if (keyword === 'properties' && typeof part === 'object' && part !== null) yield* Object.keys(part).filter((name) => name !== '__proto__'); // prettier-ignore
    yield* namesIn(part);
  }
}
