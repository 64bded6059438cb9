// What data a schema takes, as a small algebra: one slot for each kind of JSON value, so that schemas can be met and joined exactly.

/** The values that are taken: kind by kind, those of a kind as a list of alternatives. */
export interface DataType {
  readonly null: boolean;
  readonly booleans: ReadonlySet<boolean>;
  readonly numbers: 'any' | ReadonlySet<number>;
  readonly strings: 'any' | ReadonlySet<string>;
  readonly arrays: readonly ArrayShape[];
  readonly objects: readonly ObjectShape[];
}

/** An array: what stands at its first places, what may follow, and how many of the first places are filled at least. */
export interface ArrayShape {
  readonly places: readonly DataType[];
  readonly rest: DataType;
  readonly filled: number;
}

export interface Property {
  readonly type: DataType;
  readonly required: boolean;
  /** Lines of its doc comment. */
  readonly doc: readonly string[];
}

/** What one schema says of the names that it does not list. */
export interface OtherNames {
  readonly patterns: readonly { readonly matches: (name: string) => boolean; readonly type: DataType }[];
  readonly rest: DataType;
}

export interface ObjectShape {
  readonly properties: ReadonlyMap<string, Property>;
  /** All of them hold for a name without a property. */
  readonly others: readonly OtherNames[];
  /** Set beside objects that take any name: its own other names are held to the types of its properties. */
  readonly bounded?: boolean;
}

export const NONE: DataType = {
  null: false,
  booleans: new Set(),
  numbers: new Set<number>(),
  strings: new Set<string>(),
  arrays: [],
  objects: [],
};

/** Known by its identity: its arrays hold itself. */
export const EVERYTHING: DataType = {
  null: true,
  booleans: new Set([true, false]),
  numbers: 'any',
  strings: 'any',
  // Filled below: it refers to itself.
  arrays: [] as ArrayShape[],
  objects: [{ properties: new Map(), others: [] }],
};
export const ANY_ARRAY: ArrayShape = { places: [], rest: EVERYTHING, filled: 0 };
(EVERYTHING.arrays as ArrayShape[]).push(ANY_ARRAY);

export const ANY_OBJECT = EVERYTHING.objects[0] as ObjectShape;

export const isNone = (type: DataType): boolean =>
  !type.null &&
  type.booleans.size === 0 &&
  type.numbers !== 'any' &&
  type.numbers.size === 0 &&
  type.strings !== 'any' &&
  type.strings.size === 0 &&
  type.arrays.length === 0 &&
  type.objects.length === 0;

/** The most alternatives of one kind; more are a schema that nobody reads. */
const MOST_ALTERNATIVES = 256;

/** Thrown where the alternatives of a schema multiply beyond what a file could hold. */
export class TooManyAlternatives extends Error {}

const listed = <T>(alternatives: readonly T[]): readonly T[] => {
  if (alternatives.length > MOST_ALTERNATIVES) throw new TooManyAlternatives();
  return alternatives;
};

type Choices<T> = 'any' | ReadonlySet<T>;

function both<T>(one: Choices<T>, other: Choices<T>): Choices<T> {
  if (one === 'any') return other;
  return other === 'any' ? one : new Set([...one].filter((value) => other.has(value)));
}

const either = <T>(one: Choices<T>, other: Choices<T>): Choices<T> =>
  one === 'any' || other === 'any' ? 'any' : new Set([...one, ...other]);

/** The values that both take. */
export function intersect(one: DataType, other: DataType): DataType {
  if (one === EVERYTHING || one === other) return other;
  if (other === EVERYTHING) return one;
  return {
    null: one.null && other.null,
    booleans: new Set([...one.booleans].filter((value) => other.booleans.has(value))),
    numbers: both(one.numbers, other.numbers),
    strings: both(one.strings, other.strings),
    arrays: pairs(one.arrays, other.arrays, intersectArrays),
    objects: pairs(one.objects, other.objects, intersectObjects),
  };
}

/** The values that at least one of them takes. */
export function unite(one: DataType, other: DataType): DataType {
  if (one === EVERYTHING || other === EVERYTHING) return EVERYTHING;
  return {
    null: one.null || other.null,
    booleans: new Set([...one.booleans, ...other.booleans]),
    numbers: either(one.numbers, other.numbers),
    strings: either(one.strings, other.strings),
    arrays: listed([...new Set([...one.arrays, ...other.arrays])]),
    objects: listed([...new Set([...one.objects, ...other.objects])]),
  };
}

function pairs<T>(some: readonly T[], more: readonly T[], meet: (one: T, other: T) => T | undefined): readonly T[] {
  if (some.length * more.length > MOST_ALTERNATIVES) throw new TooManyAlternatives();
  const met = some.flatMap((one) => more.map((other) => meet(one, other)));
  return [...new Set(met.filter((shape) => shape !== undefined))];
}

const placeOf = ({ places, rest }: ArrayShape, index: number): DataType => places[index] ?? rest;

function intersectArrays(one: ArrayShape, other: ArrayShape): ArrayShape | undefined {
  if (one === ANY_ARRAY) return other;
  if (other === ANY_ARRAY) return one;
  const places: DataType[] = [];
  const filled = Math.max(one.filled, other.filled);
  const length = Math.max(one.places.length, other.places.length);
  while (places.length < length) {
    const place = intersect(placeOf(one, places.length), placeOf(other, places.length));
    if (isNone(place)) return places.length < filled ? undefined : { places, rest: NONE, filled };
    places.push(place);
  }
  const rest = intersect(one.rest, other.rest);
  return isNone(rest) && filled > length ? undefined : { places, rest, filled };
}

/** What an object's schema says of the value under `name`. */
export function typeAt({ properties, others }: ObjectShape, name: string): DataType {
  const property = properties.get(name);
  if (property) return property.type;
  return others.map((each) => typeOfName(each, name)).reduce(intersect, EVERYTHING);
}

/** The same of one schema, for a name that it does not list. */
export function typeOfName({ patterns, rest }: OtherNames, name: string): DataType {
  const matching = patterns.filter(({ matches }) => matches(name));
  return matching.length === 0 ? rest : matching.map(({ type }) => type).reduce(intersect);
}

/** What the values under all other names have in common; none where there may be no other name. */
export const restOf = ({ others }: ObjectShape): DataType =>
  others
    .map(({ patterns, rest }) => patterns.map(({ type }) => type).reduce(unite, rest))
    .reduce(intersect, EVERYTHING);

function intersectObjects(one: ObjectShape, other: ObjectShape): ObjectShape | undefined {
  if (one === ANY_OBJECT) return other;
  if (other === ANY_OBJECT) return one;
  const properties = new Map<string, Property>();
  const others = [...one.others, ...other.others];
  const isClosed = isNone(restOf({ properties, others }));
  for (const name of new Set([...one.properties.keys(), ...other.properties.keys()])) {
    const [mine, yours] = [one.properties.get(name), other.properties.get(name)];
    const type = intersect(typeAt(one, name), typeAt(other, name));
    const required = (mine?.required ?? false) || (yours?.required ?? false);
    if (isNone(type) && required) return undefined;
    if (isNone(type) && isClosed) continue;
    properties.set(name, { type, required, doc: mine?.doc.length ? mine.doc : (yours?.doc ?? []) });
  }
  return { properties, others };
}

/** The one value alone. */
export function literal(value: unknown): DataType {
  if (value === null) return { ...NONE, null: true };
  if (typeof value === 'boolean') return { ...NONE, booleans: new Set([value]) };
  if (typeof value === 'number') return { ...NONE, numbers: new Set([value]) };
  if (typeof value === 'string') return { ...NONE, strings: new Set([value]) };
  if (Array.isArray(value)) {
    const places = value.map(literal);
    return { ...NONE, arrays: [{ places, rest: NONE, filled: places.length }] };
  }
  const properties = new Map(
    Object.entries(value as object).map(([name, part]) => [name, { type: literal(part), required: true, doc: [] }]),
  );
  return { ...NONE, objects: [{ properties, others: [{ patterns: [], rest: NONE }] }] };
}
