// Checks whether a value is usable as `data`: its JSON must be an object that holds its content.
import { isJsonObject } from '../contracts';
import { show } from '../errors';

// Objects whose JSON is `{}`, a text or a list of bytes, never their content. `Symbol.toStringTag` also identifies objects of other
// realms and of polyfills.
const NO_DATA: ReadonlySet<string> = new Set([
  'Promise', 'Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'FormData', 'URLSearchParams', 'Headers', 'Request', 'Response', 'Blob', 'File',
  'ReadableStream', 'Date', 'URL', 'RegExp', 'Error', 'DOMException', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt', 'ArrayBuffer',
  'SharedArrayBuffer', 'DataView', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'Generator', 'AsyncGenerator', 'Map Iterator', 'Set Iterator',
  'Array Iterator',
]); // prettier-ignore

/**
 * Describes a `value` that is not usable as data; undefined if it is usable. A value that throws when it is read passes here, and fails
 * when it is serialised.
 */
export function notData(value: unknown): string | undefined {
  try {
    if (!isJsonObject(value)) return show(value);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return undefined;
    const name = Object.prototype.toString.call(value).slice(8, -1);
    if (NO_DATA.has(name)) return `${/^[AEIO]/.test(name) ? 'an' : 'a'} ${name}`;
    return typeof (value as { then?: unknown }).then === 'function' ? 'a promise' : undefined;
  } catch {
    return undefined;
  }
}
