// Every rule of the pipeline, and the cases of the corpus that stand on both sides of it: what it refuses, and what it
// just takes. Written from the protocol's facts, so that a rule without a case is found here and not by its users.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Case {
  readonly name: string;
  readonly bad?: readonly [scope: string, type: string, field: string, rule: string][];
  readonly warnings?: readonly [field: string, rule: string][];
}

const cases = new Map(
  readdirSync(__dirname)
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => JSON.parse(readFileSync(join(__dirname, file), 'utf8')) as Case[])
    .map((one) => [one.name, one]),
);

/** Names of cases the rule strikes, and of such that are just on its good side. */
type Sides = readonly [struck: readonly string[], spared: readonly string[]];
type Rules = Readonly<Record<string, Sides>>;

const each = (keys: string, sides: (key: string) => Sides): Rules =>
  Object.fromEntries(keys.split(' ').map((key) => [key, sides(key)]));

// The longest text of each field, in UTF-16 units.
const LENGTHS =
  'tv 100, tna 128, aid 255, tz 255, uid 255, duid 128, nuid 128, tnuid 128, ip 128, ua 1000, fp 128, page 2000, lang 255, ' +
  'cs 128, cd 12, se_ca 1000, se_ac 1000, se_la 4096, se_pr 1000, tr_id 255, tr_af 255, tr_ci 255, tr_st 255, tr_co 255, ' +
  'tr_cu 3, ti_id 255, ti_sk 255, ti_nm 255, ti_na 255, ti_ca 255, ti_cu 3';
const lengths = Object.fromEntries(
  LENGTHS.split(', ').map((pair): [string, Sides] => {
    const [key = '', limit = ''] = pair.split(' ');
    return [
      `${key} of ${limit}`,
      [[`${key} of ${Number(limit) + 1} characters is refused`], [`${key} of ${limit} characters is taken`]],
    ];
  }),
);
const URL_PARTS: Rules = Object.fromEntries(
  [
    ['a scheme', '16', '17'],
    ['a host', '255', '256'],
    ['a path', '3,000', '3,001'],
    ['a query', '6,000', '6,001'],
    ['a fragment', '3,000', '3,001'],
    ["a referrer's scheme", '16', '17'],
    ["a referrer's host", '255', '256'],
    ["a referrer's path", '6,000', '6,001'],
    ["a referrer's query", '6,000', '6,001'],
    ["a referrer's fragment", '3,000', '3,001'],
    ['a _sp user', '128', '129'],
  ].map(([part, most, more]): [string, Sides] => [
    `${part} of ${most}`,
    [[`${part} of ${more} characters is refused`], [`${part} of ${most} characters is taken`]],
  ]),
);

/** By the bad row they end in; the first four lose the whole request. */
const FAILURES: Readonly<Record<string, Rules>> = {
  'payload collector_payload_format_violation': {
    'the sp cookie is a UUID': [
      ['a cookie sp that is no UUID loses the request'],
      ['a cookie sp that is a UUID is taken', 'an anonymous request does not read the cookie'],
    ],
    '?nuid= is a UUID': [
      ['?nuid= that is no UUID loses the request'],
      [
        '?nuid= that is a UUID is taken',
        '?nuid= may be a UUID with its zeros left out',
        'nuid in a body may be any text',
      ],
    ],
    'the query is one a URI may hold': [
      ['a query with a malformed escape loses the request', 'a query with a brace loses the request'],
      ['a query with its characters escaped is taken', 'escaped bytes that are no UTF-8 are taken'],
    ],
  },
  'payload adapter_failures': {
    'vendor and version are known': [
      ['an unknown vendor loses the request', 'an unknown version loses the request'],
      ['payload_data/1-0-4 is taken'],
    ],
    'the paths of queries have a query': [
      ['a GET without a query loses the request', 'a body at the path of queries loses the request'],
      ['semicolons part a query as well'],
    ],
  },
  'payload generic_error': {
    'ip holds more than separators': [
      ['an address of separators loses the request, and its neighbour', 'a GET with an address of separators is lost'],
      ['an address behind a separator is none'],
    ],
    '_sp holds more than points': [
      ['_sp of points alone loses the request'],
      ['_sp without a user is read', '_sp with trailing dots is read'],
    ],
  },
  'payload tracker_protocol_violations': {
    ...each('e p tv', (key) => [[`one event without ${key} loses the request`], ['payload_data/1-0-4 is taken']]),
    'only keys of payload_data': [
      [
        ...['foo', 'cv', 'ev_ca', 'url_', 'contexts', 'u'].map((key) => `the key ${key} loses the request`),
        'a key named __proto__ loses the request',
        'a key named constructor loses the request',
      ],
      ['ad_ba is allowed and ignored', 'sp is allowed and ignored', 'ue_na is allowed and ignored'],
    ],
    'every value is a string': [
      ['number', 'boolean', 'null', 'object', 'list'].map((kind) => `a value that is a ${kind} loses the request`),
      ['vid may be the largest 32-bit integer'],
    ],
    'data holds events': [
      [
        'an empty list of events loses the request',
        'an envelope without data loses the request',
        'data that is no list loses the request',
        'an event that is a text loses the request',
        'an event that is a list loses the request',
        'an event that is null loses the request',
      ],
      ['payload_data/1-0-4 is taken'],
    ],
    'the envelope is payload_data 1-0-*': [
      [
        'payload_data of an unknown version loses the request',
        'payload_data 2-0-0 loses the request',
        'a body without envelope loses the request',
        'a body that is null loses the request',
        'an envelope of something else loses the request',
      ],
      ['0', '1', '2', '3', '4'].map((addition) => `payload_data/1-0-${addition} is taken`),
    ],
    'the body is JSON': [['a body that is not JSON loses the request'], ['payload_data/1-0-4 is taken']],
    'the body is no deeper than the limit': [
      ['an event nested 100,000 levels loses the request'],
      ['payload_data/1-0-4 is taken'],
    ],
    'the Content-Type is application/json': [
      [
        'a body without a Content-Type loses the request',
        'Content-Type text/plain loses the request',
        'Content-Type application/json; charset=latin1 loses the request',
        'Content-Type application/json; charset=utf-8; v=1 loses the request',
      ],
      [
        'Content-Type application/json is taken',
        'Content-Type application/json; charset=utf-8 is taken',
        'Content-Type application/json; charset=UTF-8 is taken',
        'Content-Type application/json;charset=utf-8 is taken',
      ],
    ],
    'there is a body or a query': [['an empty body and query lose the request'], ['a query stands for a missing body']],
  },
  'event schema_violations': {
    ...lengths,
    ...URL_PARTS,
    'url of 10,000': [
      ['url of 10,001 characters is refused'],
      ['url of 10,000 characters is taken where its parts fit'],
    ],
    'refr of 10,000': [
      ['refr of 10,001 characters is refused'],
      ['refr of 10,000 characters is taken where its parts fit'],
    ],
    'lengths count UTF-16 units': [
      ['501 emoji are too long for ua'],
      ['lengths count UTF-16 units, so 500 emoji fill ua'],
    ],
    'e is known': [
      ['an unknown e is refused', 'an empty e is refused'],
      ['e=pp is an event', 'e=tr is an event', 'e=ti is an event', 'e=ev is an event'],
    ],
    'p is known': [
      ['an unknown platform is refused', 'an empty platform is refused'],
      'web iot app mob pc cnsl tv srv headset'.split(' ').map((name) => `p=${name} is a platform`),
    ],
    ...each('eid sid', (key) => [
      [`${key} without hyphens is refused`, `${key} that is empty is refused`],
      [`${key} may be an upper-case UUID of any version`, `${key} may be the nil UUID`],
    ]),
    ...each('dtm stm ttm', (key) => [
      [
        `${key} before year 0 is refused`,
        `${key} in year 10000 is refused`,
        `${key} in microseconds is refused`,
        `${key} as an ISO date is refused`,
        `${key} that is empty is refused`,
      ],
      [`${key} may be the first millisecond of year 0`, `${key} may be the last millisecond of year 9999`],
    ]),
    ...each('vid tid ti_qu pp_mix pp_max pp_miy pp_may', (key) => [
      [`${key} above the largest 32-bit integer is refused`, `${key} below the smallest 32-bit integer is refused`],
      [`${key} may be the largest 32-bit integer`, `${key} may be the smallest 32-bit integer`],
    ]),
    'int32 has no decimals and is not empty': [
      [
        "a page ping's offset with decimals is refused",
        'vid that is empty is refused',
        'vid of the text undefined is refused',
      ],
      ['vid of the text null is taken for none'],
    ],
    ...each('se_va tr_tt tr_tx tr_sh ti_pr', (key) => [
      [`${key} of NaN is refused`],
      [`${key} may have decimals, a sign and an exponent`],
    ]),
    'decimals are digits and a point': [
      [
        'se_va of Infinity is refused',
        'se_va that is empty is refused',
        'se_va with a separator is refused',
        'se_va with a currency sign is refused',
        'se_va in hex is refused',
        'se_va with a blank is refused',
      ],
      ['se_va may be zero', 'se_va may begin with its point', 'se_va of the text null is taken for none'],
    ],
    ...each('res vp ds', (key) => [
      [`${key} with decimals is refused`, `${key} with a side above 32 bits is refused`],
      [`${key} is width x height`, `${key} may have sides of 32 bits`],
    ]),
    ...each('cookie f_pdf f_qt f_realp f_wma f_dir f_fla f_java f_gears f_ag', (key) => [
      [`${key} of true is refused`],
      [`${key} may be 0`, `${key} may be 1`],
    ]),
    'base64 holds JSON': [
      ['an event that is no base64 of JSON is refused', 'plain JSON in the base64 field is refused'],
      [
        'an event in URL-safe base64 is read',
        'an event in standard base64 with padding is read',
        'base64 with line breaks is read',
      ],
    ],
    'ue_pr and co hold JSON': [
      ['base64 in the plain field is refused'],
      ['an event in plain JSON is read', 'contexts in plain JSON are read'],
    ],
    'JSON is not empty': [
      ['an empty ue_px is refused', 'an empty cx is refused', 'an empty co is refused'],
      ['contexts in base64 are read'],
    ],
    'JSON has no more than 40 levels': [
      ['41 levels are refused', 'contexts of 41 levels are refused'],
      ['40 levels are taken'],
    ],
    'the envelope is self-describing': [
      [
        'an envelope without data is refused',
        'JSON that is a text is refused',
        'JSON null is refused',
        'an envelope without iglu: is refused',
      ],
      ['an event in plain JSON is read'],
    ],
    'the envelope is the one of its key': [
      [
        'an event in a contexts envelope is refused',
        'an event envelope of another version is refused',
        'contexts of an unknown version are refused',
        'contexts in an event envelope are refused',
      ],
      ['a list of contexts/1-0-0 is taken', 'contexts in base64 are read'],
    ],
    'contexts are a list': [['contexts that are no list are refused'], ['contexts in base64 are read']],
    'contexts/1-0-0 is not empty': [
      ['an empty list of contexts/1-0-0 is refused'],
      ['an empty list of contexts/1-0-1 is taken', 'a list of contexts/1-0-0 is taken'],
    ],
    'an item has schema and data and nothing else': [
      [
        'an event that is a list is refused',
        'an event without a schema is refused',
        'an event with a third key is refused',
        'a context that is null is refused',
      ],
      ['an event in URL-safe base64 is read'],
    ],
    'an item names an iglu: URI': [
      [
        'an event whose schema is no iglu: URI is refused',
        'an event whose version has two numbers is refused',
        'an event under a version of model 0 is refused',
        'an event under a version with a leading zero is refused',
        'an event under a version above the largest 32-bit integer is refused',
        'one broken context sinks the event, and is named',
      ],
      ['an event in URL-safe base64 is read', 'an event under the largest version is read'],
    ],
  },
  'event enrichment_failures': {
    'a GET has e': [
      ['a GET without e fails', 'a GET with e but no value for it fails'],
      ['a GET without p and tv is taken in silence'],
    ],
    'e=ad is retired': [
      ['a retired ad impression always fails', 'a GET of a retired ad impression fails'],
      ['e=pp is an event'],
    ],
    'url and refr can be read': [
      [
        'an address without anything behind its slashes cannot be read',
        'a host with a character that no host holds cannot be read',
        'a backslash in the host cannot be read',
        'a broken escape in the host cannot be read',
        'a scheme alone cannot be read',
      ],
      [
        'a port that is a number can',
        'a port that is no number names no host',
        'a host with a blank is no host',
        'an IPv6 host can be read',
        'an IPv6 host of a zone can be read',
        'a broken escape in the path is read leniently',
        'characters that ought to be escaped are read leniently',
      ],
    ],
    '_sp names a time in milliseconds': [
      [
        '_sp whose second field is no time fails, whoever sent it',
        '_sp with a time in decimals of seconds fails',
        '_sp behind a semicolon is read',
        '_sp in escapes is read',
        '_sp of a Referer is read where there is no url',
      ],
      [
        '_sp of a user and a time is read',
        '_sp of a user alone is read',
        '_sp with trailing dots is read',
        '_sp is not read from the referrer',
        'of several _sp the last is read',
      ],
    ],
  },
  'event size_violation': {
    'an event has 1,000,000 bytes at the most': [
      ['an event of 1,000,001 bytes is answered 200 and lost'],
      ['an event of 1,000,000 bytes is taken', 'a request of more than 1,000,000 bytes is split by events'],
    ],
  },
};

const QUIET = 'a page view with everything has nothing to warn of';
/** By the rule of the warning. */
const WARNINGS: Rules = {
  'no-data': [['a self-describing event without data is taken in silence'], ['an event in URL-safe base64 is read']],
  'both-forms': [
    ['both forms of contexts are taken in silence', 'both forms of an event are taken in silence'],
    ['contexts in plain JSON are read'],
  ],
  'no-category': [['a structured event without category and action'], ['e=se with category and action is an event']],
  'no-page-url': [['a page view without url', 'an empty url is no url'], ['a page view without url takes the Referer']],
  'no-app-id': [['an event without app id'], [QUIET]],
  'no-event-id': [['an event without id'], [QUIET]],
  'no-platform': [['a GET without p and tv is taken in silence'], [QUIET]],
  'no-tracker-version': [['a GET without p and tv is taken in silence'], [QUIET]],
  'no-address': [["a server's event without address"], ["a browser's event needs neither of the three"]],
  'no-user-agent': [["a server's event without user agent"], ['an anonymous event needs neither of the three']],
  'no-network-id': [["a server's event without network id"], ['the sp cookie stands for tnuid']],
  'identified-though-anonymous': [
    ['an anonymous event that names the visitor'],
    ['an anonymous event needs neither of the three'],
  ],
  'relative-url': [
    ['a path alone is taken, without a host', 'a referrer without scheme is taken, without a host'],
    ['an IPv6 host can be read'],
  ],
  'long-url': [
    ['url of 4,097 characters is taken, but not by older pipelines'],
    ['url of 4,096 characters is taken everywhere'],
  ],
  'sent-before-created': [['stm before dtm'], ['stm after dtm, now']],
  seconds: [
    [
      'a time of 12,345 ms is taken for performance.now()',
      'a time of 1,790,000,000 ms is taken for seconds',
      'a time of 978,307,199,999 ms is before 2001',
    ],
    ['a time of 978,307,200,000 ms is of 2001'],
  ],
  'clock-skew': [
    ['stm left over from an hour ago', 'an event from the future'],
    ['stm four minutes off', 'an old event without stm'],
  ],
  'unknown-key': [['a GET with unknown keys is taken in silence'], [QUIET]],
  'ignored-key': [['ad_ba is allowed and ignored'], [QUIET]],
  'control-characters': [
    [
      'a title with a line break',
      'a title with a tab',
      'an event with a NUL in its data',
      'an entity with a bell in its data',
    ],
    [QUIET, 'an event with line breaks and tabs in its data'],
  ],
  'data-no-object': [
    ['an event whose data is a list', 'an event whose data is null', 'an entity whose data is a text'],
    ['an event in URL-safe base64 is read'],
  ],
  'empty-text': [['an empty user id'], [QUIET]],
  'null-text': [['a user id named undefined', 'vid of the text null is taken for none'], [QUIET]],
};

const caseNamed = (name: string): Case => {
  const one = cases.get(name);
  if (!one) throw new Error(`there is no case '${name}'`);
  return one;
};

describe.each(Object.entries(FAILURES))('%s', (row, rules) => {
  it.each(Object.entries(rules))(
    '%s: refuses what breaks it, and takes what just keeps it',
    (_rule, [struck, spared]) => {
      expect(Math.min(struck.length, spared.length)).toBeGreaterThan(0);
      for (const name of struck)
        expect(
          caseNamed(name).bad?.map(([scope, type]) => `${scope} ${type}`),
          name,
        ).toContain(row);
      for (const name of spared) expect(caseNamed(name).bad ?? [], name).toEqual([]);
    },
  );
});

describe.each(Object.entries(WARNINGS))('the warning %s', (rule, [struck, spared]) => {
  it('is given where it is due, and not beside it', () => {
    const warned = (name: string) => caseNamed(name).warnings?.map(([, one]) => one) ?? [];
    for (const name of struck) expect(warned(name), name).toContain(rule);
    for (const name of spared) expect(warned(name), name).not.toContain(rule);
    expect(Math.min(struck.length, spared.length)).toBeGreaterThan(0);
  });
});

it('every kind of failure and warning in the corpus belongs to a rule', () => {
  const struck = Object.values(FAILURES).flatMap((rules) => Object.values(rules).flatMap(([names]) => names));
  const ruled = new Set(struck.flatMap((name) => caseNamed(name).bad!.map(([, type, , rule]) => `${type} ${rule}`)));
  const judged = [...cases.values()].flatMap(({ bad = [] }) => bad.map(([, type, , rule]) => `${type} ${rule}`));
  expect(judged.filter((one) => !ruled.has(one))).toEqual([]);
  const warned = [...cases.values()].flatMap(({ warnings = [] }) => warnings.map(([, rule]) => rule));
  expect(new Set(warned)).toEqual(new Set(Object.keys(WARNINGS)));
});

it('the corpus has at least 120 cases', () => {
  expect(cases.size).toBeGreaterThanOrEqual(120);
});
