// The list of payloads that a callback receives. Each event is decoded when the callback first looks at it.
import { inspect } from 'node:util';
import type { EncodedEvent, Payload } from '../../core/emitter';

type Event = EncodedEvent | Payload;

/**
 * The payloads of `events`, as an array. A callback that only reads `length` costs no decoding, which is most of the price of a
 * callback.
 */
export function payloadsOf(events: readonly Event[]): Payload[] {
  const decoded: Payload[] = Array.from({ length: events.length });
  // console.log looks at what is behind a Proxy.
  Object.defineProperty(decoded, inspect.custom, { value: () => [...list], configurable: true });
  const list = new Proxy(decoded, new Decoder(events));
  return list;
}

class Decoder implements ProxyHandler<Payload[]> {
  readonly #events: readonly Event[];
  #isWhole = false;

  constructor(events: readonly Event[]) {
    this.#events = events;
  }

  get(decoded: Payload[], key: string | symbol): unknown {
    const event = this.#isWhole || typeof key === 'symbol' ? undefined : this.#events[key as unknown as number];
    return event && INDEX.test(key as string)
      ? (decoded[key as unknown as number] ??= payloadOf(event))
      : Reflect.get(decoded, key);
  }

  getOwnPropertyDescriptor(decoded: Payload[], key: string | symbol): PropertyDescriptor | undefined {
    this.#decodeAll(decoded);
    return Reflect.getOwnPropertyDescriptor(decoded, key);
  }

  // A callback that changes its list owns it from then on.
  defineProperty(decoded: Payload[], key: string | symbol, descriptor: PropertyDescriptor): boolean {
    this.#decodeAll(decoded);
    return Reflect.defineProperty(decoded, key, descriptor);
  }

  deleteProperty(decoded: Payload[], key: string | symbol): boolean {
    this.#decodeAll(decoded);
    return Reflect.deleteProperty(decoded, key);
  }

  #decodeAll(decoded: Payload[]): void {
    if (this.#isWhole) return;
    for (const [index, event] of this.#events.entries()) decoded[index] ??= payloadOf(event);
    this.#isWhole = true;
  }
}

const INDEX = /^\d+$/;

// The shape is asked, not the class: a store of the user's may give objects of its own.
function payloadOf(event: Event): Payload {
  try {
    if (typeof event['json'] === 'string' && typeof event.payload === 'function') return event.payload();
  } catch {
    // What was given to `input` may be no object, or one that cannot be read.
  }
  return event as Payload;
}
