// The collector's matchers under Jest, where tests are ES modules.
import { expect, test } from '@jest/globals';
import * as door from 'snowplow-middleware';
import * as collector from 'snowplow-middleware/collector';
import { checkMatchers } from './matchers.cjs';

test('toHaveTracked', () => checkMatchers(expect, { ...door, ...collector }));
