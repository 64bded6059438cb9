// Says in what a file of types differs from the one that would be written now, schema by schema.
import {
  changeOf,
  compareKeys,
  compareTexts,
  compareVersions,
  type SchemaKey,
  schemaKey,
  uriOf,
} from '../schema/schema-key';

const TOKEN = /\/\*[\s\S]*?\*\/|\/\/.*|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[\p{L}\p{N}_$]+|\S/gu;

/** Whether both texts say the same. Quotes, line ends and line breaks may differ. */
export const isSameText = (one: string, other: string): boolean => one === other || tokensOf(one) === tokensOf(other);

function tokensOf(text: string): string {
  const tokens = [...text.matchAll(TOKEN)]
    .map(([token]) => tokenText(token))
    .filter((token) => !/^[,;()]$/.test(token));
  return tokens.filter((token, index) => token !== '|' || !/^[:=<|]$/.test(tokens[index - 1] ?? '')).join('\n');
}

function tokenText(token: string): string {
  if (/^\/[/*]/.test(token)) return token.replaceAll(/[\s*]+/g, ' ');
  if (!/^['"]/.test(token)) return token;
  return `'${token.slice(1, -1).replaceAll(/\\(['"])|"/g, (quote) => quote.slice(-1))}'`;
}

/** A line for each schema that is new, gone, changed, or there in another version. */
export function differencesOf(before: string, now: string): string[] {
  const [old, fresh] = [sectionsOf(before), sectionsOf(now)];
  const gone = [...old.values()].filter(({ key }) => !fresh.has(uriOf(key))).map(({ key }) => key);
  const added = [...fresh.values()].filter(({ key }) => !old.has(uriOf(key))).map(({ key }) => key);
  const lines = [...fresh.values()]
    .filter(({ key, text }) => !isSameText(text, old.get(uriOf(key))?.text ?? text))
    .map(({ key }): [SchemaKey, string] => [key, `${uriOf(key)}: other content in the same version`]);
  for (const key of added) {
    const from = [...old.values()]
      .map((section) => section.key)
      .filter((other) => other.vendor === key.vendor && other.name === key.name)
      .toSorted((one, other) => compareVersions(one.version, other.version))
      .at(-1);
    lines.push([
      key,
      from ? `${uriOf(from)} -> ${key.version}: ${changeOf(from.version, key.version)}` : `${uriOf(key)}: new`,
    ]);
  }
  for (const key of gone)
    if (!added.some(({ vendor, name }) => vendor === key.vendor && name === key.name))
      lines.push([key, `${uriOf(key)}: gone`]);
  return lines
    .toSorted(([one], [other]) => compareKeys(one, other) || compareTexts(uriOf(one), uriOf(other)))
    .map(([, line]) => line);
}

interface Section {
  readonly key: SchemaKey;
  readonly text: string;
}

/** The text from one definition to the next, by the URI that it defines. */
function sectionsOf(text: string): Map<string, Section> {
  const sections = new Map<string, Section>();
  let start = 0;
  for (const match of text.matchAll(/\bdefineSchema<[^(]*\(\s*['"](iglu:[^'"]+)['"],?\s*\);?/g)) {
    const end = match.index + match[0].length;
    const key = schemaKey(match[1] ?? '');
    // A specification's narrowed schema has the URI of the whole one, which stands before it.
    if (key && !sections.has(uriOf(key))) sections.set(uriOf(key), { key, text: bodyOf(text.slice(start, end)) });
    start = end;
  }
  return sections;
}

/** Without the file's head, which does not come from a schema. */
const bodyOf = (text: string): string => text.replace(/^[\s\S]*?from ['"]snowplow-middleware['"];?/, '');
