// What the pipeline takes of one event, written from the protocol's facts and from nothing of the package: payload_data 1-0-4
// (allowed keys, all values strings) and the enrichment's checks of single fields (shapes, ranges, lengths).

// The 80 keys of payload_data 1-0-4.
const ALLOWED = new Set(
  (
    'tna aid p dtm tz e tid eid tv duid nuid uid vid ip res url page refr fp ctype cookie lang f_pdf f_qt f_realp f_wma ' +
    'f_dir f_fla f_java f_gears f_ag cd ds cs vp mac pp_mix pp_max pp_miy pp_may ad_ba ad_ca ad_ad ad_uid tr_id tr_af ' +
    'tr_tt tr_tx tr_sh tr_ci tr_st tr_co tr_cu ti_id ti_sk ti_nm ti_na ti_ca ti_pr ti_qu ti_cu sa sn st sp se_ca se_ac ' +
    'se_la se_pr se_va ue_na ue_pr ue_px co cx ua tnuid stm sid ttm'
  ).split(' '),
);

const LENGTHS: Record<string, number> = {
  tna: 128, aid: 255, tv: 100, tz: 255, uid: 255, duid: 128, nuid: 128, tnuid: 128, ip: 128, fp: 128, ua: 1000,
  url: 10_000, refr: 10_000, page: 2000, lang: 255, cs: 128, cd: 12, se_ca: 1000, se_ac: 1000, se_la: 4096, se_pr: 1000,
  tr_id: 255, tr_af: 255, tr_ci: 255, tr_st: 255, tr_co: 255, tr_cu: 3, ti_id: 255, ti_sk: 255, ti_nm: 255, ti_na: 255,
  ti_ca: 255, ti_cu: 3,
}; // prettier-ignore

type Check = (value: string) => boolean;
const uuid: Check = (value) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(value);
const millis: Check = (value) => /^\d+$/.test(value) && Number(value) < Date.UTC(10_000, 0);
const int32: Check = (value) => /^-?\d+$/.test(value) && Math.abs(Number(value)) < 2 ** 31;
const decimal: Check = (value) => /^-?\d+(\.\d+)?(e[+-]\d+)?$/.test(value) && Number.isFinite(Number(value));
const size: Check = (value) => /^\d+x\d+$/.test(value) && value.split('x').every((side) => Number(side) < 2 ** 31);
const bit: Check = (value) => value === '0' || value === '1';
const among = (...choices: string[]): Check => {
  const set = new Set(choices);
  return (value) => set.has(value);
};
const urlWithPath =
  (longestPath: number): Check =>
  (value) => {
    const [, authority, path, query, fragment] =
      /^(?:[^:/?#]*:)?(?:\/\/([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(value) ?? [];
    const linker = (new URLSearchParams(query ?? '').get('_sp') ?? '').split('.');
    return (
      (authority ?? '').length <= 255 &&
      !/\s/.test(authority ?? '') &&
      !/:[^\]]*[^\d\]][^\]]*$/.test((authority ?? '').replace(/^.*@/s, '')) &&
      (path ?? '').length <= longestPath &&
      (query ?? '').length <= 6000 &&
      (fragment ?? '').length <= 3000 &&
      /^\d{0,15}$/.test(linker[1] ?? '')
    );
  };

const CHECKS: Record<string, Check> = {
  e: among('pv', 'pp', 'se', 'ue', 'tr', 'ti'),
  p: among('web', 'iot', 'app', 'mob', 'pc', 'cnsl', 'tv', 'srv', 'headset'),
  eid: uuid, sid: uuid, dtm: millis, stm: millis, ttm: millis,
  vid: int32, tid: int32, ti_qu: int32, pp_mix: int32, pp_max: int32, pp_miy: int32, pp_may: int32,
  se_va: decimal, tr_tt: decimal, tr_tx: decimal, tr_sh: decimal, ti_pr: decimal,
  res: size, vp: size, ds: size,
  cookie: bit, f_pdf: bit, f_qt: bit, f_realp: bit, f_wma: bit, f_dir: bit, f_fla: bit, f_java: bit, f_gears: bit, f_ag: bit,
  url: urlWithPath(3000), refr: urlWithPath(6000),
}; // prettier-ignore

const SNOWPLOW = 'iglu:com.snowplowanalytics.snowplow';
const IGLU = /^iglu:[a-zA-Z0-9-_.]+\/[a-zA-Z0-9-_]+\/[a-zA-Z0-9-_]+\/\d+-\d+-\d+$/;
const LONGEST_JSON_DEPTH = 40;

function depth(value: unknown): number {
  let deepest = 0;
  const waiting: [unknown, number][] = [[value, 1]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [node, level] = next;
    if (typeof node !== 'object' || node === null) continue;
    deepest = Math.max(deepest, level);
    for (const child of Object.values(node)) waiting.push([child, level + 1]);
  }
  return deepest;
}

function selfDescribingFaults(key: string, json: string): string[] {
  let outer: { schema?: unknown; data?: unknown };
  try {
    outer = JSON.parse(json) as typeof outer;
  } catch {
    return [`${key} is not JSON`];
  }
  const isEvent = key.startsWith('ue');
  const envelope = isEvent ? `${SNOWPLOW}/unstruct_event/jsonschema/1-0-0` : `${SNOWPLOW}/contexts/jsonschema/1-0-1`;
  const faults = outer.schema === envelope ? [] : [`${key} is in no ${envelope}`];
  if (!isEvent && !(Array.isArray(outer.data) && outer.data.length > 0)) return [...faults, `${key} holds no entities`];
  if (depth(outer) > LONGEST_JSON_DEPTH) faults.push(`${key} is too deep`);
  for (const item of isEvent ? [outer.data] : (outer.data as unknown[])) {
    const { schema, data, ...rest } = Object(item) as { schema?: unknown; data?: unknown };
    if (typeof schema !== 'string' || !IGLU.test(schema)) faults.push(`${key}: ${String(schema)} is no iglu URI`);
    if (data === undefined) faults.push(`${key} has an item without data`);
    if (Object.keys(rest).length > 0) faults.push(`${key} has an item with ${Object.keys(rest).join()}`);
  }
  return faults;
}

/** What the pipeline would refuse in this event; none when it is good. */
export function faultsOf(event: unknown): string[] {
  if (typeof event !== 'object' || event === null) return ['no object'];
  const faults = ['tv', 'p', 'e'].filter((key) => !Object.hasOwn(event, key)).map((key) => `${key} is missing`);
  for (const [key, value] of Object.entries(event)) {
    if (!ALLOWED.has(key)) faults.push(`${key} is not a key of payload_data`);
    if (typeof value !== 'string') faults.push(`${key} is a ${typeof value}`);
    else {
      if (value === '') faults.push(`${key} is empty`);
      if (value.length > (LENGTHS[key] ?? Infinity)) faults.push(`${key} has ${value.length} units`);
      if (!value.isWellFormed()) faults.push(`${key} holds half a surrogate pair`);
      if (CHECKS[key]?.(value) === false) faults.push(`${key} is ${value.slice(0, 60)}`);
      if (key === 'ue_pr' || key === 'co') faults.push(...selfDescribingFaults(key, value));
      if (key === 'ue_px' || key === 'cx')
        faults.push(...selfDescribingFaults(key, Buffer.from(value, 'base64').toString()));
    }
  }
  const { e, ue_pr, ue_px, co, cx } = event as Record<string, unknown>;
  if (e === 'ue' && ue_pr === undefined && ue_px === undefined) faults.push('a self-describing event says nothing');
  if ((ue_pr && ue_px) || (co && cx)) faults.push('one of the two forms would be lost');
  return faults;
}
