// Writes an event as a line of a test, without values that differ in every run: ids, times, addresses.

const STEADY = {
  aid: 'app_id',
  uid: 'user_id',
  url: 'page_url',
  page: 'page_title',
  refr: 'page_referrer',
  se_ca: 'se_category',
  se_ac: 'se_action',
  se_la: 'se_label',
  se_pr: 'se_property',
  tr_id: 'tr_orderid',
  ti_sk: 'ti_sku',
  ti_nm: 'ti_name',
};

/** `expect(collector).toHaveTracked({ … })`, ready to paste; a bad event gives `assertAllGood`. */
export function assertionOf({ verdict, event, payload, schema, data, contexts }) {
  if (verdict === 'bad') return 'collector.assertAllGood();';
  const expected = { event };
  for (const [key, name] of Object.entries(STEADY)) if (payload[key] !== undefined) expected[name] = payload[key];
  if (payload.se_va !== undefined) expected.se_value = Number(payload.se_va);
  if (schema) Object.assign(expected, { schema, data });
  if (contexts.length > 0) expected.contexts = contexts;
  return `expect(collector).toHaveTracked(${literal(expected, '')});`;
}

// Quotes and escapes as JSON, which is also JavaScript; plain names need no quotes.
function literal(value, indent) {
  const inner = `${indent}  `;
  if (Array.isArray(value))
    return value.length === 0
      ? '[]'
      : `[\n${value.map((item) => `${inner}${literal(item, inner)},\n`).join('')}${indent}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, item]) => {
    const name =
      /^[a-z_$][\w$]*$/i.test(key) && key !== '__proto__'
        ? key
        : key === '__proto__'
          ? '["__proto__"]'
          : JSON.stringify(key);
    return `${inner}${name}: ${literal(item, inner)},\n`;
  });
  return pairs.length === 0 ? '{}' : `{\n${pairs.join('')}${indent}}`;
}
