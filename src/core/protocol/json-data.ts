// Which values become a JSON object with something of theirs in it: what `data` has to be on the wire.
import { show } from '../errors';
import { isJsonObject } from '../shape';

// By the names under which they say what they are, so that those of other realms and of polyfills are known too. Their JSON
// is `{}`, a text, a list of bytes: never what was meant.
const NO_DATA: ReadonlySet<string> = new Set([
  'Promise', 'Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'FormData', 'URLSearchParams', 'Headers', 'Request', 'Response', 'Blob', 'File',
  'ReadableStream', 'Date', 'URL', 'RegExp', 'Error', 'DOMException', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt', 'ArrayBuffer',
  'SharedArrayBuffer', 'DataView', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
  'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'Generator', 'AsyncGenerator', 'Map Iterator', 'Set Iterator',
  'Array Iterator',
]); // prettier-ignore

/**
 * What `value` is, in words, where it will not do as data; undefined where it will. What throws when it is looked at will do
 * here: it has no JSON, which is found when that is made.
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
