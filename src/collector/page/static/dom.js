// Makes elements from text. Values of an event become only text and attributes, never markup.

/** An element with attributes, and a text or a list of nodes and texts inside. */
export function el(tag, attributes = {}, content = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  for (const part of Array.isArray(content) ? content : [content])
    element.append(typeof part === 'string' ? visible(part) : part);
  return element;
}

// Characters that change the writing direction, break lines or are invisible would make a text look like another one.
const HIDDEN = /[\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]|(?!\n)\p{Cc}/gu;

/** Spells those marks out. */
export const visible = (text) =>
  text.replaceAll(HIDDEN, (mark) => `⟨U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`);

/** Hours to milliseconds of a time, by the clock of whoever looks. */
export function clock(iso) {
  const time = new Date(iso);
  const two = (number) => String(number).padStart(2, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${String(time.getMilliseconds()).padStart(3, '0')}`;
}

/** Who sent an event: its app and its tracker, as far as it names them. */
export const sender = ({ app, tracker }) => [app, tracker].filter(Boolean).join(' · ');

/** A UUID by its first part, anything else whole. */
export const shortId = (id) => (/^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(id) ? `${id.slice(0, 8)}…` : id);
