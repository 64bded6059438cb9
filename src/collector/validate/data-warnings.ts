// Warnings about self-describing data that the pipeline accepts silently, and that warehouses or schemas refuse later.
import { isJsonObject, isObject } from '../../core/contracts';
import type { Item } from '../decode/self-describing';
import { excerpt, type Finding, typeName } from '../hints/finding';
import { step } from '../hints/path';

// JSON keeps tabs and line breaks, as in a stack trace; warehouses load them.
const CONTROL = /[^\P{Cc}\t\n\r]/u;

/** The warnings for an item. @param checked Whether its data was checked against its schema. */
export function dataWarnings(item: Item, checked: boolean): Finding[] {
  return [...(checked ? [] : noObject(item)), ...controlCharacters(item)];
}

function noObject({ path, data }: Item): Finding[] {
  if (isJsonObject(data)) return [];
  return [
    {
      field: `${path}.data`,
      rule: 'data-no-object',
      value: excerpt(data),
      problem: `is ${typeName(data)}: nearly all schemas require an object, and make the event bad`,
      hint: 'Send an object: { … }.',
    },
  ];
}

// Level by level. Data nested deeper than the pipeline accepts was refused before.
function controlCharacters({ path, data }: Item): Finding[] {
  const found: Finding[] = [];
  let level: [place: string, value: unknown][] = [[`${path}.data`, data]];
  while (level.length > 0) {
    for (const [field, value] of level)
      if (typeof value === 'string' && CONTROL.test(value))
        found.push({
          field,
          rule: 'control-characters',
          value: excerpt(JSON.stringify(value)),
          problem: 'holds control characters: they stay in the data, and some warehouses refuse a row with a NUL',
          hint: 'Remove them before you track it.',
        });
    level = level.flatMap(([place, value]) =>
      isObject(value)
        ? Object.entries(value).map(([name, inner]): [string, unknown] => [place + step(name), inner])
        : [],
    );
  }
  return found;
}
