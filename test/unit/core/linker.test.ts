// The cross-domain parameter is found and removed wherever it hides.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withoutLinker } from '../../../src/core/url/linker';
import { DUID, fields } from '../../support/request-fields';

const LINKER = `_sp=${DUID}.1700000000000`;
const escaped = (text: string, times = 1): string =>
  times === 0 ? text : escaped(encodeURIComponent(text), times - 1);
const lower = (text: string): string => text.replace(/%[\dA-F]{2}/g, (escape) => escape.toLowerCase());

describe('withoutLinker', () => {
  it.each([
    ['a parameter', `https://a.test/tea?${LINKER}`, 'https://a.test/tea'],
    ['the first of several', `https://a.test/tea?${LINKER}&page=2`, 'https://a.test/tea?page=2'],
    ['the last of several', `https://a.test/tea?page=2&${LINKER}`, 'https://a.test/tea?page=2'],
    ['one between semicolons', `https://a.test/?a=1;${LINKER};b=2`, 'https://a.test/?a=1;b=2'],
    ['two of them', `https://a.test/?${LINKER}&${LINKER}`, 'https://a.test/'],
    ['one before a fragment', `https://a.test/?${LINKER}#top`, 'https://a.test/#top'],
    ['one in a fragment', `https://a.test/#${LINKER}&a=1`, 'https://a.test/#a=1'],
    ["one in a hash router's query", `https://a.test/#/tea?${LINKER}`, 'https://a.test/#/tea'],
    ['a matrix parameter', `https://a.test/tea;${LINKER}?a=1`, 'https://a.test/tea?a=1'],
    ['an escaped name', `https://a.test/?%5Fsp=${DUID}.1&a=1`, 'https://a.test/?a=1'],
    ['an escaped name in lower case', `https://a.test/?%5f%73%70=${DUID}.1&a=1`, 'https://a.test/?a=1'],
    ['an escaped equals sign', `https://a.test/?_sp%3D${DUID}.1&a=1`, 'https://a.test/?a=1'],
    ['a URL as a value, not escaped', `https://a.test/?next=https://b.test/?${LINKER}&a=1`, 'https://a.test/?next=https://b.test/?a=1'],
    ['a URL as a value', `https://a.test/?next=${escaped(`https://b.test/?${LINKER}`)}&a=1`, 'https://a.test/?next=https%3A%2F%2Fb.test%2F&a=1'],
    ['the first parameter of an inner URL', `/?next=${escaped(`/b?${LINKER}&c=3`)}&a=1`, `/?next=${escaped('/b?c=3')}&a=1`],
    ['the last parameter of an inner URL', `/?next=${escaped(`/b?c=3&${LINKER}`)}&a=1`, `/?next=${escaped('/b?c=3')}&a=1`],
    ['lower-case escapes', `/?next=${lower(escaped(`/b?c=3&${LINKER}`))}`, `/?next=${lower(escaped('/b?c=3'))}`],
    ['an inner fragment', `/?next=${escaped(`/b?${LINKER}#c`)}`, `/?next=${escaped('/b#c')}`],
    ['a URL in a URL in a URL', `/?a=${escaped(`/b?c=${escaped(`/d?${LINKER}&e=5`)}&f=6`)}`, `/?a=${escaped(`/b?c=${escaped('/d?e=5')}&f=6`)}`],
    ['a URL in the path', `/go/${escaped(`https://b.test/?${LINKER}`)}/now`, '/go/https%3A%2F%2Fb.test%2F'],
    ['a value as a parameter', `/?next=_sp%3D${DUID}`, '/?next=redacted'],
    ['JSON', `/?state=${escaped(`{"_sp":"${DUID}.1"}`)}&a=1`, '/?state=redacted&a=1'],
    ['a blank before it', `/?%20${LINKER}`, '/?%20_sp=redacted'],
    ['escaped digits of an escape', `/?next=%%32Fb%3F%%35Fsp=${DUID}`, '/?next=%%32Fb'],
  ])('takes it out and leaves the rest byte for byte: %s', (_what, text, expected) => {
    expect(withoutLinker(text)).toBe(expected);
  }); // prettier-ignore

  it.each([
    'https://a.test/?x_sp=1&_spx=2&_sp_id=3',
    'https://a.test/file_sp.js?a=%5F%73',
    `https://a.test/?q=${escaped('50 % of _special tea', 3)}`,
    'https://a.test/?a=%&b=%zz&c=%25',
    'https://a.test/',
    '',
  ])('changes nothing else: %s', (text) => expect(withoutLinker(text)).toBe(text));

  it('finds it at every depth', () => {
    for (let depth = 0; depth <= 12; depth++) {
      const value = escaped(`/b?${LINKER}`, depth);
      expect(withoutLinker(`https://a.test/?next=${value}&a=1`), `depth ${depth}`).not.toContain(DUID);
    }
  });

  it('leaves no id behind, however it is escaped and whatever surrounds it', () => {
    const some = (text: string): fc.Arbitrary<string> =>
      fc.array(fc.nat(5), { minLength: text.length, maxLength: text.length }).map((how) =>
        Array.from(text, (letter, at) => {
          const code = letter.charCodeAt(0).toString(16);
          return [letter, letter, letter, `%${code}`, `%${code.toUpperCase()}`, `%25${code}`][how[at]!];
        }).join(''),
      );
    const piece = fc.oneof(
      fc.constantFrom('?', '&', ';', '#', '/', '=', '%3F', '%26', '%253f', '%2526', 'next=', '%3D', 'a', '{"', '":"'),
      fc.constantFrom('%25', '%', '%2'),
    ); // prettier-ignore
    const around = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(around, some('_sp='), around, fc.constantFrom('?', '&', '/', '%3F'), (before, name, after, at) => {
        expect(withoutLinker(`https://a.test/${before}${at}${name}${DUID}.1700000000000${after}`)).not.toContain(DUID);
      }),
      { numRuns: 500 },
    );
  });

  it('scans hostile texts only once', () => {
    for (const unit of ['_sp=', '%25', '%255F', '%', '%%32', '_sp', '%3F_sp%3D', '%2525', ';_sp%25'])
      withoutLinker(`?${unit.repeat(16_384 / unit.length)}`);
  });
});

describe('a nested cross-domain parameter of a request', () => {
  it('stays in events that are not anonymous, where the pipeline does not read it, well formed or not', () => {
    for (const linker of [LINKER, '_sp=a.b']) {
      const target = `/login?next=${escaped(`/tea?${linker}`)}`;
      expect(fields({ originalUrl: target }).url).toBe(`https://shop.acme.com${target}`);
    }
  });

  it('is removed from the page and the referrer of anonymous ones', () => {
    const target = `/login?next=${escaped(`https://a.test/tea?${LINKER}`)}`;
    const { url, refr } = fields({ originalUrl: target, referrer: `https://b.test${target}` }, {}, true);
    expect(url).toBe('https://shop.acme.com/login?next=https%3A%2F%2Fa.test%2Ftea');
    expect(refr).toBe('https://b.test/login?next=https%3A%2F%2Fa.test%2Ftea');
  });
});
