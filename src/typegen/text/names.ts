// Gives each schema the names of its function and of its type: the same names whatever order the schemas come in.
import { compareKeys, type SchemaKey, uriOf } from '../schema/schema-key';

export interface Names {
  /** Of the function: `addToCart`. */
  readonly value: string;
  /** Of the interface: `AddToCart`. */
  readonly type: string;
}

// What cannot be declared at the top of a module, what the file itself uses, and what every program expects to be there.
const RESERVED: ReadonlySet<string> = new Set(
  `abstract any arguments as async await boolean break case catch class const constructor continue debugger declare
default delete do else enum eval exports export extends false finally for from function get globalThis if implements
import in infer Infinity instanceof interface is keyof let module namespace NaN never new null number object of package
private protected public readonly require return set static string super switch symbol this throw true try type typeof
undefined unique unknown using var void while with yield defineSchema selfDescribing specified
Object Symbol Promise ContractError SelfDescribing SelfDescribingJson TrackerEvent`.split(/\s+/),
);

const unreserved = (name: string): string => (RESERVED.has(name) ? `${name}_` : name);

/** `add_to-cart` and `AddToCart` become `addToCart`; what cannot begin a name gets a `_`. */
export function camelCase(text: string): string {
  const words = text
    .normalize('NFC')
    .split(/(?:\P{ID_Continue}|_)+/u)
    .filter(Boolean);
  const joined = words.map((word, index) => (index === 0 ? lowerFirst(word) : upperFirst(word))).join('');
  return /^\p{ID_Start}/u.test(joined) ? joined : `_${joined}`;
}

export const upperFirst = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
// All capitals of an abbreviation: URLClick becomes urlClick.
const lowerFirst = (word: string): string =>
  word.replace(/^\p{Lu}+(?=\p{Lu}\p{Ll}|\P{L}|$)|^\p{Lu}/u, (start) => start.toLowerCase());

/**
 * Names of schemas, by their URI. Schemas of one name in two vendors get the vendor's name before theirs, versions of
 * one schema side by side each get their version behind it.
 */
export function nameSchemas(keys: readonly SchemaKey[]): ReadonlyMap<string, Names> {
  const sorted = keys.toSorted(compareKeys);
  const vendors = new Map<string, Set<string>>();
  for (const { vendor, name } of sorted) addTo(vendors, camelCase(name), vendor);
  const withVendor = ({ vendor, name }: SchemaKey): string => {
    const own = camelCase(name);
    if (vendors.get(own)?.size === 1) return own;
    const among = [...(vendors.get(own) as Set<string>)].filter((other) => lastPart(other) === lastPart(vendor));
    return camelCase(`${among.length === 1 ? lastPart(vendor) : vendor} ${upperFirst(own)}`);
  };
  const versions = new Map<string, Set<string>>();
  for (const key of sorted) addTo(versions, withVendor(key), key.version);
  const taken = new Set<string>();
  return new Map(
    sorted.map((key) => {
      const name = withVendor(key);
      const isAlone = versions.get(name)?.size === 1;
      return [uriOf(key), claim(isAlone ? name : `${name}_${key.version.replaceAll('-', '_')}`, taken)];
    }),
  );
}

/** The names for something called `text`, unlike all that are taken. */
export function claim(text: string, taken: Set<string>): Names {
  for (let number = 1; ; number++) {
    const name = number === 1 ? text : `${text}_${number}`;
    const names = { value: unreserved(name), type: unreserved(upperFirst(name)) };
    if (taken.has(names.value) || taken.has(names.type)) continue;
    taken.add(names.value).add(names.type);
    return names;
  }
}

const lastPart = (vendor: string): string => camelCase(vendor.split('.').at(-1) as string);

function addTo(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key) ?? new Set();
  map.set(key, values.add(value));
}
