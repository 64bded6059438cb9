// Writes a type down as TypeScript: objects a line a property, unions in one line where they fit.
import {
  type ArrayShape,
  type DataType,
  EVERYTHING,
  isNone,
  type ObjectShape,
  type Property,
  restOf,
  unite,
} from '../schema/data-type';

const WIDTH = 120;
const STEP = '  ';

// Every object has these from its prototype: the compiler finds them in a literal that leaves them out.
const INHERITED: ReadonlySet<string> = new Set([
  'constructor',
  'hasOwnProperty',
  'isPrototypeOf',
  'propertyIsEnumerable',
  'toLocaleString',
  'toString',
  'valueOf',
]);
// Functions of texts, numbers and arrays: one of those would count as an object that has any value under such a name.
const METHODS: ReadonlySet<string> = new Set(
  `anchor at big blink bold charAt charCodeAt codePointAt concat copyWithin endsWith entries every fill filter find
findIndex findLast findLastIndex fixed flat flatMap fontcolor fontsize forEach includes indexOf isWellFormed italics join
keys lastIndexOf link localeCompare map match matchAll normalize padEnd padStart pop push reduce reduceRight repeat replace
replaceAll reverse search shift slice small some sort splice split startsWith strike sub substr substring sup toExponential
toFixed toLowerCase toPrecision toReversed toSorted toSpliced toUpperCase toWellFormed trim trimEnd trimLeft trimRight
trimStart unshift values with`.split(/\s+/),
);
const ANY_JSON = 'string | number | boolean | null | unknown[] | { [key: string]: unknown }';

/** A text as TypeScript, in single quotes. */
export const quoted = (text: string): string =>
  `'${JSON.stringify(text)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll("'", "\\'")
    .replaceAll('\u2028', '\\u2028')
    .replaceAll('\u2029', '\\u2029')}'`;

const nameText = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name));

/** A doc comment; '' for no lines. */
export function docText(lines: readonly string[], indent = ''): string {
  // What would end the comment, or speak to the compiler.
  const safe = lines.map((line) => line.replaceAll('*/', '*\\/').replace(/^(\W*)@ts-/, '$1@ ts-'));
  const [only = ''] = safe;
  if (safe.length === 0) return '';
  if (safe.length === 1) return `${indent}/** ${only} */\n`;
  return `${indent}/**\n${safe.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`;
}

/** The declaration of a type with a name: an interface, or a union of objects. */
export function declarationText(name: string, type: DataType): string {
  const [shape] = type.objects;
  if (type.objects.length !== 1 || !shape) return `export type ${name} = ${typeText(type, '', name.length + 15)};\n`;
  return `export interface ${name} {\n${membersOf(shape, STEP).join('\n')}\n}\n`;
}

/** @param column Where the text begins, to see whether it fits into the line. */
export function typeText(type: DataType, indent: string, column = indent.length): string {
  return unionText(partsOf(type, indent), indent, column);
}

function unionText(parts: readonly string[], indent: string, column: number): string {
  const line = parts.join(' | ');
  const isShort = line.includes('\n') || column + line.length <= WIDTH || parts.length === 1;
  return isShort ? line : parts.map((part) => `\n${indent}${STEP}| ${part}`).join('');
}

function partsOf(type: DataType, indent: string): string[] {
  if (type === EVERYTHING) return ['unknown'];
  const { strings, numbers, booleans } = type;
  const parts = [
    ...(strings === 'any' ? ['string'] : [...strings].map(quoted)),
    ...(numbers === 'any' ? ['number'] : [...numbers].map(String)),
    ...(booleans.size === 2 ? ['boolean'] : [...booleans].map(String)),
    ...type.arrays.map((shape) => arrayText(shape, indent)),
    ...type.objects.map((shape) => objectText(shape, indent)),
    ...(type.null ? ['null'] : []),
  ];
  return parts.length > 0 ? [...new Set(parts)] : ['never'];
}

/** As part of an array's type: what binds less gets brackets. */
function elementText(type: DataType, indent: string): string {
  const parts = partsOf(type, indent);
  return parts.length === 1 ? (parts[0] as string) : `(${parts.join(' | ')})`;
}

function arrayText({ places, rest, filled }: ArrayShape, indent: string): string {
  const isClosed = isNone(rest);
  if (places.length === 0) return isClosed ? '[]' : `${elementText(rest, indent)}[]`;
  const elements = places.map((place, index) => `${elementText(place, indent)}${index < filled ? '' : '?'}`);
  return `[${[...elements, ...(isClosed ? [] : [`...${elementText(rest, indent)}[]`])].join(', ')}]`;
}

function objectText(shape: ObjectShape, indent: string): string {
  const members = membersOf(shape, indent + STEP);
  const [only = ''] = members;
  if (shape.properties.size === 0 && !only.includes('\n')) return `{ ${only.trim().replace(/;$/, '')} }`;
  const text = `{\n${members.join('\n')}\n${indent}}`;
  return isLikeAnything(shape) ? `(object & ${text})` : text;
}

function membersOf(shape: ObjectShape, indent: string): string[] {
  const members = [...shape.properties].map(([name, property]) => memberText(name, property, indent));
  const rest = restOf(shape);
  if (hasIndex(shape)) members.push(indexText(shape, rest, indent));
  else if (isLikeText(shape) || isLikeAnything(shape))
    members.push(`${indent}/** An object: no text and no array. */\n${indent}[Symbol.iterator]?: undefined;`);
  return members;
}

const hasIndex = (shape: ObjectShape): boolean =>
  !isNone(restOf(shape)) || shape.bounded === true || shape.properties.size === 0;

function memberText(name: string, { type, required, doc }: Property, indent: string): string {
  const key = `${indent}${nameText(name)}${required ? '' : '?'}: `;
  const isBuiltIn = INHERITED.has(name) || METHODS.has(name);
  const value =
    type === EVERYTHING && isBuiltIn ? [ANY_JSON] : partsOf(type, indent).filter((part) => part !== 'never');
  const isAny = value[0] === 'unknown';
  const parts = required || isAny ? value : [...value, ...inherited(name), 'undefined'];
  return `${docText(doc, indent)}${key}${unionText(parts, indent, key.length)};`;
}

const inherited = (name: string): string[] => (INHERITED.has(name) ? [`Object['${name}']`] : []);

/** All values of an object have to fit what stands for its other names, those of its properties too. */
function indexText(shape: ObjectShape, rest: DataType, indent: string): string {
  const properties = [...shape.properties];
  const parts = partsOf(properties.map(([, { type }]) => type).reduce(unite, rest), indent);
  const optional = properties.filter(([, { required }]) => !required).map(([name]) => name);
  const isAny = parts[0] === 'unknown';
  const extra = optional.length > 0 && !isAny ? [...optional.flatMap(inherited), 'undefined'] : [];
  const key = `${indent}[key: string]: `;
  const all = extra.length > 0 ? [...parts.filter((part) => part !== 'never'), ...extra] : parts;
  return `${key}${unionText(all, indent, key.length)};`;
}

/** Whether a text or an array has all that the object asks for: both have a `length`. */
const isLikeText = ({ properties }: ObjectShape): boolean =>
  properties.get('length')?.type.numbers === 'any' && asksFor(properties).every((name) => name === 'length');

/** Whether any value but null has what the object asks for, and something of what it knows. */
const isLikeAnything = (shape: ObjectShape): boolean =>
  !hasIndex(shape) &&
  asksFor(shape.properties).length === 0 &&
  [...shape.properties.keys()].some((name) => INHERITED.has(name));

const asksFor = (properties: ObjectShape['properties']): string[] =>
  [...properties].filter(([, { required }]) => required).map(([name]) => name);
