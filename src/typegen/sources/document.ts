// A file or an answer that holds JSON or YAML: its value, and the line of each part.
import type * as yamlPackage from 'yaml';
import { ConfigError, isMissing } from '../../core/errors';
import { Problem } from '../problem';
import { JsonSyntaxError, parseLocated } from './json-text';

export interface Document {
  /** The path or the address, for messages. */
  readonly place: string;
  readonly value: unknown;
  /** How a message about the part at `pointer` begins: `schemas/basket.json:12 #/properties/items`. */
  at(pointer: string): string;
}

export const isYaml = (place: string): boolean => /\.ya?ml$/i.test(place);

/**
 * @throws Problem when the text is neither.
 * @throws ConfigError for YAML where the package `yaml` is not installed.
 */
export function readDocument(place: string, text: string): Document {
  return isYaml(place) ? readYaml(place, text) : readJson(place, text);
}

function readJson(place: string, text: string): Document {
  try {
    const { value, offsets } = parseLocated(text);
    return locatedIn(place, value, (pointer) => {
      const offset = offsets.get(pointer);
      return offset === undefined ? undefined : lineAt(text, offset);
    });
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw new Problem('invalid', `${place}:${lineAt(text, error.offset)} is not JSON: ${error.message}`);
  }
}

const lineAt = (text: string, offset: number): number => text.slice(0, offset).split(/\r\n|[\n\r]/).length;

function readYaml(place: string, text: string): Document {
  const { parseDocument, LineCounter, isNode, isPair } = loadYaml(place);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) throw new Problem('invalid', `${place}:${lines.linePos(error.pos[0]).line} is not YAML: ${error.message}`);
  return locatedIn(
    place,
    valueOf(place, () => document.toJS({ maxAliasCount: 100 }) as unknown),
    (pointer) => {
      const steps = pointer
        .split('/')
        .slice(1)
        .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
      const parent: unknown = steps.length > 1 ? document.getIn(steps.slice(0, -1), true) : document.contents;
      const last = steps.at(-1);
      const items = (parent as { items?: unknown[] } | null)?.items ?? [];
      const pair = items.find((item) => isPair(item) && String(item.key) === last);
      const node = (isPair(pair) ? pair.key : undefined) ?? (document.getIn(steps, true) as unknown);
      const start = isNode(node) ? node.range?.[0] : undefined;
      return start === undefined ? undefined : lines.linePos(start).line;
    },
  );
}

/** Aliases may be endless. */
function valueOf(place: string, read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    throw new Problem('invalid', `${place} is not YAML: ${(error as Error).message}`);
  }
}

function loadYaml(place: string): typeof yamlPackage {
  try {
    return require('yaml') as typeof yamlPackage;
  } catch (error) {
    if (!isMissing(error, 'yaml')) throw error;
    throw new ConfigError(place, "read with the package 'yaml', which is not installed: npm install --save-dev yaml");
  }
}

function locatedIn(place: string, value: unknown, lineOf: (pointer: string) => number | undefined): Document {
  const at = (pointer: string): string => {
    // What is not there stands where its parent does.
    for (let known = pointer; known !== ''; known = known.slice(0, Math.max(0, known.lastIndexOf('/')))) {
      const line = lineOf(known);
      if (line !== undefined) return `${place}:${line} ${pointer}`;
    }
    return `${place} ${pointer}`;
  };
  return { place, value, at };
}
