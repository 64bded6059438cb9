// The subject of an event: the user, the device, the address. Chainable setters, each for one wire key.
import {
  type Caller,
  checkId,
  checkInteger,
  checkOneOf,
  checkOptionalText,
  checkOptionalUuid,
  contractsFor,
  fail,
  type Id,
  isAbsent,
  isObject,
} from '../contracts';
import { clean, type Platform, PLATFORMS, SUBJECT_FIELDS } from './fields';

/** Your own id of a user, as databases return it. */
export type UserId = Id;

/** How a subject's setters handle a broken contract; true keeps the part of the value that the pipeline accepts. */
type BreachHandler = (error: unknown) => boolean;

/**
 * The fields that say who and what an event is about. A tracker has a subject with its defaults, each request has its own, and an
 * event may have one. The most specific one wins, field by field.
 *
 * Each setter replaces the previous value; undefined, null or '' removes it. A value that the pipeline would refuse is a broken
 * contract (a ContractError, see {@link disableContracts}); with contracts off it is left out.
 *
 * @example
 * new Subject().setUserId('u-17').setLang('et-EE').setViewport(1440, 820);
 */
export class Subject {
  #fields: Record<string, string> = {};
  readonly #onBreach: BreachHandler | undefined;

  /**
   * Callers pass no arguments. The package creates a request's subject with the fields that it read, and with its tracker's handling of
   * broken contracts.
   *
   * @internal
   */
  constructor(fields?: Readonly<Record<string, string>>, onBreach?: BreachHandler) {
    if (fields) this.#fields = { ...fields };
    this.#onBreach = onBreach;
  }

  /** A new subject with the fields of both; if both have a field, `own` wins. Neither is changed. */
  static merge(defaults: Subject, own: Subject): Subject {
    const given = { defaults, own };
    const caller = contractsFor('Subject.merge');
    for (const name of ['defaults', 'own'] as const) {
      if (isSubject(given[name])) continue;
      if (caller) fail(caller, name, 'a Subject', given[name]);
      given[name] = new Subject();
    }
    const onBreach = #fields in given.own ? given.own.#onBreach : undefined;
    return new Subject({ ...Subject.fieldsOf(given.defaults), ...Subject.fieldsOf(given.own) }, onBreach);
  }

  /**
   * A subject's fields, for immediate reading. Fields of a subject from another copy of the package, or of an object with the same
   * shape, are checked first.
   */
  static fieldsOf(subject: Subject): Readonly<Record<string, string>> {
    if (#fields in subject) return subject.#fields;
    const { fields } = subject as Subject;
    const fitting = Object.keys(fields).map((key) => [key, clean(key, fields[key], SUBJECT_FIELDS)] as const);
    return Object.fromEntries(fitting.filter(([, value]) => value !== undefined)) as Record<string, string>;
  }

  /** Replaces all fields of a subject, which stays the same object because a handler may hold it. @internal */
  static refill(subject: Subject, fields: Readonly<Record<string, string>>): void {
    subject.#fields = { ...fields };
  }

  /** Wire key to value, for example `{ uid: 'u-17' }`. */
  get fields(): Readonly<Record<string, string>> {
    // A copy, because values written into it would bypass the checks of the setters.
    return { ...this.#fields };
  }

  /** `p`: the platform, one of `web iot app mob pc cnsl tv srv headset`. */
  setPlatform(platform: Platform | null | undefined): this {
    return this.#set('Subject.setPlatform', 'p', 'platform', platform, checkPlatform);
  }
  /** `uid`: your own id of the user, at most 255 units; a number or a bigint is sent as text. */
  setUserId(userId: UserId | null | undefined): this {
    return this.#set('Subject.setUserId', 'uid', 'userId', userId, checkId);
  }
  /** `res`: the screen's size in pixels. */
  setScreenResolution(width: number | null | undefined, height: number | null | undefined): this {
    return this.#setSize('Subject.setScreenResolution', 'res', width, height);
  }
  /** `vp`: the browser window's size in pixels. */
  setViewport(width: number | null | undefined, height: number | null | undefined): this {
    return this.#setSize('Subject.setViewport', 'vp', width, height);
  }
  /** `cd`: bits per pixel. */
  setColorDepth(depth: number | null | undefined): this {
    return this.#set('Subject.setColorDepth', 'cd', 'depth', depth, checkPositive);
  }
  /** `tz`: the time zone, for example `Europe/Tallinn`. */
  setTimezone(timezone: string | null | undefined): this {
    return this.#set('Subject.setTimezone', 'tz', 'timezone', timezone, checkOptionalText);
  }
  /** `lang`: the language, for example `et-EE`. */
  setLang(lang: string | null | undefined): this {
    return this.#set('Subject.setLang', 'lang', 'lang', lang, checkOptionalText);
  }
  /** `ip`: the visitor's address, one IPv4 or IPv6 address without brackets, port and zone. */
  setIpAddress(ip: string | null | undefined): this {
    return this.#set('Subject.setIpAddress', 'ip', 'ip', ip, checkAddress);
  }
  /** `ua`: the visitor's user agent; truncated to 1,000 units. */
  setUseragent(useragent: string | null | undefined): this {
    return this.#set('Subject.setUseragent', 'ua', 'useragent', useragent, checkOptionalText);
  }
  /** `duid`: the first-party id in the browser tracker's `_sp_id` cookie, at most 128 units. */
  setDomainUserId(domainUserId: string | null | undefined): this {
    return this.#set('Subject.setDomainUserId', 'duid', 'domainUserId', domainUserId, checkOptionalText);
  }
  /** `sid`: the browser session's id, a UUID (the pipeline refuses events with any other value). */
  setDomainSessionId(sessionId: string | null | undefined): this {
    return this.#set('Subject.setDomainSessionId', 'sid', 'sessionId', sessionId, checkOptionalUuid);
  }
  /** `vid`: the visitor's session count, from 0. */
  setDomainSessionIndex(index: number | null | undefined): this {
    return this.#set('Subject.setDomainSessionIndex', 'vid', 'index', index, checkCount);
  }
  /** `tnuid`: the collector's third-party id of the visitor, at most 128 units. */
  setNetworkUserId(networkUserId: string | null | undefined): this {
    return this.#set('Subject.setNetworkUserId', 'tnuid', 'networkUserId', networkUserId, checkOptionalText);
  }
  /** `url`: the page, for events without their own. */
  setPageUrl(url: string | null | undefined): this {
    return this.#set('Subject.setPageUrl', 'url', 'url', url, checkOptionalText);
  }
  /** `refr`: the previous page, for events without their own. */
  setReferrer(referrer: string | null | undefined): this {
    return this.#set('Subject.setReferrer', 'refr', 'referrer', referrer, checkOptionalText);
  }

  #setSize(setter: string, key: string, width: unknown, height: unknown): this {
    const both = Number.isInteger(width) && Number.isInteger(height);
    const size = isAbsent(width) && isAbsent(height) ? undefined : both && `${String(width)}x${String(height)}`;
    return this.#set(setter, key, 'width', size, (caller) => {
      checkPositive(caller, 'width', width);
      checkPositive(caller, 'height', height);
    });
  }

  #set(setter: string, key: string, argument: string, value: unknown, check: Check): this {
    const caller: Caller = isAbsent(value) ? undefined : contractsFor(setter);
    const fitting = isAbsent(value) ? undefined : clean(key, value, SUBJECT_FIELDS);
    if (caller) {
      try {
        check(caller, argument, value, fitting);
      } catch (error) {
        if (!this.#onBreach) throw error;
        if (!this.#onBreach(error)) return this;
      }
    }
    if (fitting === undefined) delete this.#fields[key];
    else this.#fields[key] = fitting;
    return this;
  }
}

/** @param fitting The text that will be sent for the value; undefined if none. */
type Check = (caller: string, argument: string, value: unknown, fitting?: string) => void;

const checkPlatform: Check = (caller, argument, value) => checkOneOf(caller, argument, value, PLATFORMS);
const checkAddress: Check = (caller, argument, value, fitting) => {
  if (fitting === undefined) fail(caller, argument, 'an IPv4 or IPv6 address', value);
};
const checkPositive: Check = (caller, argument, value) => checkInteger(caller, argument, value, 1);
const checkCount: Check = (caller, argument, value) => checkInteger(caller, argument, value, 0);

/** Whether a value is usable as a Subject. Not by `instanceof`, because it may come from another copy of the package. */
export function isSubject(value: unknown): value is Subject {
  try {
    const fields: unknown = (value as Subject | null | undefined)?.fields;
    return isObject(fields);
  } catch {
    return false;
  }
}
