// The plan of faults has 49 numbers: each has a scenario, or a reason here why it has none.
import { expect, it } from 'vitest';
import { scenarios } from './scenarios';

const PLANNED = 49;
const WITHOUT: ReadonlyMap<number, string> = new Map();

it('every number of the plan has a scenario, and every scenario a number of the plan', () => {
  const planned = Array.from({ length: PLANNED }, (_, index) => index + 1).filter((number) => !WITHOUT.has(number));
  expect([...new Set(scenarios.map(({ number }) => number))]).toEqual(planned);
});

it('no two scenarios have the same name: a run is asked for, and told of, by number and title', () => {
  const names = scenarios.map(({ number, title }) => `${number} ${title}`);
  expect(names.filter((name, index) => names.indexOf(name) < index)).toEqual([]);
});
