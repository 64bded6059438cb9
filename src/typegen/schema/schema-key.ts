// The parts of an iglu: URI, in what order they stand, and what SchemaVer calls the way from one version to another.

export interface SchemaKey {
  readonly vendor: string;
  readonly name: string;
  readonly format: string;
  readonly version: string;
}

// No part may begin with a point: the parts become a path.
const KEY = /^iglu:([\w-][\w.-]*)\/([\w-]+)\/([\w-]+)\/([1-9]\d*-(?:0|[1-9]\d*)-(?:0|[1-9]\d*))$/;
const ANY_VERSION = /^iglu:([\w-][\w.-]*)\/([\w-]+)\/([\w-]+)\/((?:\d+|\*)-(?:\d+|\*)-(?:\d+|\*))$/;

const keyOf = (match: RegExpExecArray | null): SchemaKey | undefined => {
  const [, vendor, name, format, version] = match ?? [];
  return vendor && name && format && version ? { vendor, name, format, version } : undefined;
};

/** Reads a full URI; undefined when it is none. */
export const schemaKey = (uri: string): SchemaKey | undefined => keyOf(KEY.exec(uri));

/** Reads a URI whose version may hold stars: `1-*-*`. */
export const schemaPattern = (uri: string): SchemaKey | undefined => keyOf(ANY_VERSION.exec(uri));

export const uriOf = ({ vendor, name, format, version }: SchemaKey): string =>
  `iglu:${vendor}/${name}/${format}/${version}`;

/** Whether a version is one of those that a pattern such as `1-*-*` names. */
export function matchesVersion(version: string, pattern: string): boolean {
  const numbers = version.split('-');
  return pattern.split('-').every((part, index) => part === '*' || part === numbers[index]);
}

const numbersOf = (version: string): number[] => version.split('-').map(Number);

/** Older versions first. */
export function compareVersions(one: string, other: string): number {
  const [mine, yours] = [numbersOf(one), numbersOf(other)];
  const index = mine.findIndex((number, place) => number !== yours[place]);
  return index < 0 ? 0 : (mine[index] as number) - (yours[index] as number);
}

/** By code units, the same on every machine. */
export const compareTexts = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

export const compareKeys = (one: SchemaKey, other: SchemaKey): number =>
  compareTexts(one.vendor, other.vendor) ||
  compareTexts(one.name, other.name) ||
  compareTexts(one.format, other.format) ||
  compareVersions(one.version, other.version);

/** What SchemaVer calls a new version: of its model, a revision, or an addition. */
export function changeOf(from: string, to: string): 'model' | 'revision' | 'addition' {
  const [before, after] = [numbersOf(from), numbersOf(to)];
  if (before[0] !== after[0]) return 'model';
  return before[1] === after[1] ? 'addition' : 'revision';
}
