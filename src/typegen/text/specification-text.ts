// Writes the functions of event specifications: each takes the event's data and its entities, and gives an event to track.
import { closeUnions } from '../schema/close-unions';
import type { DataType } from '../schema/data-type';
import { compareTexts } from '../schema/schema-key';
import { camelCase, claim, type Names, upperFirst } from './names';
import { declarationText, docText, quoted } from './type-text';

/** A schema under a specification: its URI, and its type where the specification narrows it down. */
export interface TypedPart {
  readonly uri: string;
  readonly type?: DataType | undefined;
}

export interface TypedSpecification {
  readonly data: Readonly<Record<string, string>>;
  readonly doc: readonly string[];
  readonly event: TypedPart;
  readonly entities: readonly (TypedPart & { readonly least: number; readonly most: number })[];
}

/** What the functions share. */
export const SPECIFICATION_HELPER = `
/** The event of a specification, with the entity that names the specification. Contracts count the entities. */
function specified(
  name: string,
  specification: Readonly<Record<string, string>>,
  event: SelfDescribing,
  entities: readonly SelfDescribing[],
  counts: readonly (readonly [schema: string, least: number, most: number])[],
): TrackerEvent {
  const validate = (value: unknown) => {
    for (const [schema, least, most] of counts) {
      const count = entities.filter((entity) => entity.schema === schema).length;
      const asked = least === most ? \`\${least}\` : most === Infinity ? \`at least \${least}\` : \`\${least} to \${most}\`;
      if (count < least || count > most) throw new ContractError(name, 'entities', \`\${asked} of \${schema}\`, \`\${count}\`);
    }
    return { value };
  };
  const entity = new SelfDescribingJson(
    'iglu:com.snowplowanalytics.snowplow/event_specification/jsonschema/1-0-4',
    specification,
    { validator: { '~standard': { version: 1, vendor: 'snowplow-middleware', validate } } },
  );
  return selfDescribing({ event, context: [...entities, entity] });
}
`;

/** @param taken The names that the file has already; the functions' are added. */
export function specificationTexts(
  specifications: readonly TypedSpecification[],
  names: ReadonlyMap<string, Names>,
  taken: Set<string>,
): string[] {
  const sorted = specifications.toSorted(
    (one, other) =>
      compareTexts(one.data['data_product_name'] ?? '', other.data['data_product_name'] ?? '') ||
      compareTexts(one.data['name'] ?? '', other.data['name'] ?? '') ||
      compareTexts(one.data['id'] ?? '', other.data['id'] ?? ''),
  );
  return sorted.map((specification) => {
    const own = camelCase(specification.data['name'] as string);
    const isFree = !taken.has(own) && !taken.has(upperFirst(own));
    return specificationText(specification, names, claim(isFree ? own : `${own}Specification`, taken), taken);
  });
}

function specificationText(
  { data, doc, event, entities }: TypedSpecification,
  names: ReadonlyMap<string, Names>,
  own: Names,
  taken: Set<string>,
): string {
  const parts: string[] = [];
  const typeOf = ({ uri, type }: TypedPart, name: string): string => {
    const known = names.get(uri) as Names;
    if (!type) return known.type;
    const narrowed = claim(`${own.value}${name}`, taken);
    const definition = `export const ${narrowed.value} = defineSchema<${narrowed.type}, ${quoted(uri)}>(${quoted(uri)});\n`;
    parts.push(
      docText([`${uri}, as ${own.value} asks for it.`]) +
        declarationText(narrowed.type, closeUnions(type)) +
        (name === 'Data' ? '' : definition),
    );
    return narrowed.type;
  };
  const dataType = typeOf(event, 'Data');
  const kinds = entities.map((entity) => {
    const type = typeOf(entity, (names.get(entity.uri) as Names).type);
    return `SelfDescribing<${type}, ${quoted(entity.uri)}>`;
  });
  const isOptional = entities.every(({ least }) => least === 0);
  const counts = entities.map(({ uri, least, most }) => `    [${quoted(uri)}, ${least}, ${most}],\n`).join('');
  const list = `readonly (${[...new Set(kinds)].map((kind) => `\n    | ${kind}`).join('')}\n  )[]`;
  const parameter = kinds.length === 0 ? '' : `\n  entities: ${list}${isOptional ? ' = []' : ''},`;
  const comment = [...doc, ...entities.map(({ uri, least, most }) => `- ${countText(least, most)} ${uri}`)];
  const fields = Object.entries(data).map(([field, text]) => `      ${field}: ${quoted(text)},\n`);
  parts.push(`${docText(comment.flatMap((line) => line.split(/[\r\n\u2028\u2029]+/)))}export function ${own.value}(
  data: ${dataType},${parameter}
): TrackerEvent {
  return specified(
    ${quoted(own.value)},
    {
${fields.join('')}    },
    new SelfDescribingJson(${quoted(event.uri)}, data),
    ${kinds.length === 0 ? '[]' : 'entities'},
    [${counts === '' ? '' : `\n${counts.replaceAll(/^ {2}/gm, '    ')}    `}],
  );
}
`);
  return parts.join('\n');
}

const countText = (least: number, most: number): string =>
  least === most ? `${least} of` : most === Infinity ? `${least} or more of` : `${least} to ${most} of`;
