// Reads event specifications out of snowplow-cli data products: which event, with which entities, and how many of each.
import { isJsonObject } from '../../core/contracts';
import { Problem, settleAll } from '../problem';
import { schemaKey } from '../schema/schema-key';
import type { Document } from './document';
import { documentAt, documentPaths } from './files';

/** A schema that a specification names, and what it asks of the data beyond that. */
export interface SpecifiedSchema {
  readonly uri: string;
  /** Narrows the schema down. */
  readonly schema: unknown;
  /** Where it stands, for messages. */
  at(pointer: string): string;
}

export interface SpecifiedEntity extends SpecifiedSchema {
  readonly least: number;
  readonly most: number;
}

export interface Specification {
  /** What its entity says: `id`, `name` and those of the data product. */
  readonly data: Readonly<Record<string, string>>;
  readonly doc: readonly string[];
  readonly event: SpecifiedSchema;
  readonly entities: readonly SpecifiedEntity[];
}

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields => (isJsonObject(value) ? (value as Fields) : {});
const texts = (values: Fields): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));

/** The specifications of a folder, and those that name no event. @throws Problems */
export async function findSpecifications(
  path: string,
): Promise<{ specifications: Specification[]; leftOut: string[] }> {
  const leftOut: string[] = [];
  const found = await settleAll(
    documentPaths(path).map((file) => async () => {
      const document = documentAt(file);
      if (fields(document.value)['resourceType'] !== 'data-product') return [];
      return readProduct(document, leftOut);
    }),
  );
  return { specifications: found.flat(), leftOut };
}

async function readProduct(document: Document, leftOut: string[]): Promise<Specification[]> {
  const { resourceName, data } = fields(document.value);
  const { name, domain, description, eventSpecifications = [] } = fields(data);
  const pointer = '#/data/eventSpecifications';
  if (!Array.isArray(eventSpecifications)) throw new Problem('invalid', `${document.at(pointer)}: must be a list`);
  const product = texts({ data_product_id: resourceName, data_product_name: name, data_product_domain: domain });
  const read = await settleAll(
    eventSpecifications.map((each: unknown, index) => () => {
      const specification = readSpecification(document, `${pointer}/${index}`, fields(each), product);
      if (!specification) leftOut.push(`${document.at(`${pointer}/${index}`)}: names no event`);
      return specification;
    }),
  );
  const about = typeof description === 'string' && description !== '' ? [description] : [];
  return read.flatMap((each) => (each ? [{ ...each, doc: [...each.doc, ...about] }] : []));
}

const LONGEST: Readonly<Record<string, number>> = { id: 254 };

function readSpecification(
  document: Document,
  pointer: string,
  specification: Fields,
  product: Readonly<Record<string, string>>,
): Specification | undefined {
  const { resourceName: id, name, description, event, entities, triggers } = specification;
  if (typeof id !== 'string' || typeof name !== 'string' || name === '')
    throw new Problem('invalid', `${document.at(pointer)}: must have a resourceName and a name`);
  if (event === undefined) return undefined;
  const data = { id, name, ...product };
  for (const [field, text] of Object.entries(data))
    if (text === '' || text.length > (LONGEST[field] ?? 256))
      throw new Problem(
        'invalid',
        `${document.at(pointer)}: ${field} must have 1 to ${LONGEST[field] ?? 256} characters`,
      );
  // Newer files name the event under `tracked`, as they do with entities.
  const nested = isJsonObject(fields(event)['tracked']) ? 'event/tracked' : 'event';
  const tracked = fields(entities)['tracked'] ?? [];
  if (!Array.isArray(tracked))
    throw new Problem('invalid', `${document.at(`${pointer}/entities/tracked`)}: must be a list`);
  const when = (Array.isArray(triggers) ? triggers : []).map((trigger) => fields(trigger)['description']);
  return {
    data,
    doc: [name, description, ...when].filter((line): line is string => typeof line === 'string' && line !== ''),
    event: readSchema(document, `${pointer}/${nested}`, nested === 'event' ? event : fields(event)['tracked']),
    entities: tracked.map((entity: unknown, index) =>
      readEntity(document, `${pointer}/entities/tracked/${index}`, entity),
    ),
  };
}

function readSchema(document: Document, pointer: string, value: unknown): SpecifiedSchema {
  const { source, schema } = fields(value);
  if (typeof source !== 'string' || !schemaKey(source))
    throw new Problem(
      'invalid',
      `${document.at(`${pointer}/source`)}: must be a URI such as iglu:com.acme/basket/jsonschema/1-0-0`,
    );
  return { uri: source, schema, at: (inside) => document.at(`${pointer}/schema${inside.slice(1)}`) };
}

function readEntity(document: Document, pointer: string, value: unknown): SpecifiedEntity {
  const { minCardinality = 0, maxCardinality = Infinity } = fields(value);
  const isCount = (count: unknown): count is number =>
    count === Infinity || (Number.isInteger(count) && Number(count) >= 0);
  const most = maxCardinality ?? Infinity;
  const least = minCardinality ?? 0;
  if (!isCount(least) || !isCount(most) || least > most)
    throw new Problem(
      'invalid',
      `${document.at(pointer)}: minCardinality and maxCardinality must be counts, the first no larger`,
    );
  return { ...readSchema(document, pointer, value), least, most };
}
