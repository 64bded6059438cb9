// Builders of form events: a changed field, a submitted form.
import {
  type Caller,
  checkObject,
  checkOneOf,
  checkOptionalText,
  checkText,
  checkTextList,
  fail,
  isAbsent,
} from '../contracts';
import { truncate } from '../truncate';
import {
  checkEventArgs,
  type EventArgs,
  present,
  publicBuilder,
  selfDescribingEvent,
  type TrackerEvent,
} from './event';

const NODE_NAMES = ['INPUT', 'TEXTAREA', 'SELECT'] as const;
const INPUT_TYPES = [
  'button', 'checkbox', 'color', 'date', 'datetime', 'datetime-local', 'email', 'file', 'hidden', 'image', 'month', 'number',
  'password', 'radio', 'range', 'reset', 'search', 'submit', 'tel', 'text', 'time', 'url', 'week',
]; // prettier-ignore

/** The element of a form field. */
export type FormNodeName = (typeof NODE_NAMES)[number];

/** Arguments of a changed form field. */
export interface FormChangeArgs extends EventArgs {
  readonly formId: string;
  /** If the element has none, the event carries an empty string, because the schema requires an id. */
  readonly elementId?: string | null | undefined;
  readonly nodeName: FormNodeName;
  readonly value?: string | null | undefined;
  /** The type of an INPUT, for example `email`. */
  readonly type?: string | null | undefined;
  readonly elementClasses?: readonly string[] | null | undefined;
}

// change_form/1-0-0 and submit_form/1-0-0 take 4096 units of an id or a class, and more of a value than an event may hold.
const MAX_ID = 4096;
const MAX_VALUE = 60_000;
// The contract reports values of other types.
const truncated = (value: unknown, limit: number): unknown =>
  typeof value === 'string' ? truncate(value, limit) : value;
const names = (classes: unknown): unknown =>
  Array.isArray(classes) ? classes.map((name) => truncated(name, MAX_ID)) : classes;

// The schema has types in lower case, as a DOM node does; a template may not.
const lowerCase = (type: unknown): unknown => (typeof type === 'string' ? type.toLowerCase() : type);

function checkInputType(caller: string, path: string, type: unknown): void {
  if (!isAbsent(type)) checkOneOf(caller, path, lowerCase(type), INPUT_TYPES);
}

export function buildFormChange(args: FormChangeArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkText(caller, 'formId', args.formId);
    checkOneOf(caller, 'nodeName', args.nodeName, NODE_NAMES);
    checkOptionalText(caller, 'elementId', args.elementId);
    checkOptionalText(caller, 'value', args.value);
    checkInputType(caller, 'type', args.type);
    if (!isAbsent(args.elementClasses)) checkTextList(caller, 'elementClasses', args.elementClasses);
  }
  const { formId, elementId, nodeName, value, type, elementClasses } = args;
  const data = {
    formId: truncated(formId, MAX_ID),
    elementId: truncated(elementId ?? '', MAX_ID),
    nodeName,
    value: truncated(value ?? null, MAX_VALUE),
    ...present({ type: lowerCase(type), elementClasses: names(elementClasses) }),
  };
  const schema = 'iglu:com.snowplowanalytics.snowplow/change_form/jsonschema/1-0-0';
  // The schema requires an element id and a value, even empty ones.
  return { fields: { e: 'ue' }, selfDescribing: { schema, data }, args };
}

/**
 * A changed form field, self-describing as `change_form/1-0-0`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(formChange({ formId: 'signup', nodeName: 'INPUT', type: 'email' }));
 */
export const formChange = publicBuilder('formChange', buildFormChange);

/** One field of a submitted form. */
export interface FormElement {
  readonly name: string;
  readonly value?: string | null | undefined;
  readonly nodeName: FormNodeName;
  readonly type?: string | null | undefined;
}

/** Arguments of a submitted form. */
export interface FormSubmitArgs extends EventArgs {
  readonly formId: string;
  readonly formClasses?: readonly string[] | null | undefined;
  readonly elements?: readonly FormElement[] | null | undefined;
}

function checkElement(caller: string, path: string, element: FormElement): void {
  checkObject(caller, path, element);
  checkText(caller, `${path}.name`, element.name);
  checkOptionalText(caller, `${path}.value`, element.value);
  checkOneOf(caller, `${path}.nodeName`, element.nodeName, NODE_NAMES);
  checkInputType(caller, `${path}.type`, element.type);
}

// The schema allows only these keys.
const elementData = ({ name, value, nodeName, type }: FormElement): object => ({
  name: truncated(name, MAX_VALUE),
  value: truncated(value ?? null, MAX_VALUE),
  nodeName,
  ...present({ type: lowerCase(type) }),
});

export function buildFormSubmit(args: FormSubmitArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkText(caller, 'formId', args.formId);
    if (!isAbsent(args.formClasses)) checkTextList(caller, 'formClasses', args.formClasses);
    if (!isAbsent(args.elements)) {
      if (!Array.isArray(args.elements)) fail(caller, 'elements', 'an array of form elements', args.elements);
      for (let index = 0; index < args.elements.length; index++)
        checkElement(caller, `elements[${index}]`, args.elements[index] as FormElement);
    }
  }
  const { formId, formClasses, elements } = args;
  return selfDescribingEvent(
    'iglu:com.snowplowanalytics.snowplow/submit_form/jsonschema/1-0-0',
    {
      formId: truncated(formId, MAX_ID),
      formClasses: names(formClasses),
      elements: isAbsent(elements) || elements.length === 0 ? undefined : elements.map(elementData),
    },
    args,
  );
}

/**
 * A submitted form, self-describing as `submit_form/1-0-0`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(formSubmit({ formId: 'signup', elements: [{ name: 'mail', value: null, nodeName: 'INPUT', type: 'email' }] }));
 */
export const formSubmit = publicBuilder('formSubmit', buildFormSubmit);
