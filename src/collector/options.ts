// The options of startCollector, checked once.
import { ConfigError } from '../core/errors';
import { flag, integer, list, resolveOptions, text } from '../core/options';

/**
 * Options of {@link startCollector}.
 *
 * @example
 * await startCollector({ port: 9090, iglu: ['./schemas', 'https://iglu.acme.com'] });
 */
export interface CollectorOptions {
  /**
   * The port; 0 takes any free one.
   * @default 0
   */
  port?: number;
  /**
   * The address to listen on. Events can hold personal data: leave it on the loopback unless you must not.
   * @default '127.0.0.1'
   */
  host?: string;
  /**
   * Where schemas are: folders in Iglu layout, and http(s) URLs of Iglu registries, asked in this order.
   * With none, schemas are unchecked; with one or more, an event whose schema is not found is bad, as in the pipeline.
   * Those of the package's own entities are always found.
   * Needs `ajv`, `ajv-draft-04` and `tlds`.
   * @default []
   */
  iglu?: readonly string[];
  /**
   * Whether to serve the live page at `/`.
   * @default true
   */
  page?: boolean;
}

export const DEFAULTS = { port: 0, host: '127.0.0.1', iglu: [] as readonly string[], page: true };

const RULES = {
  port: integer(0, 65_535),
  host: text,
  iglu: list('a list of folders and http(s) URLs', (item) => typeof item === 'string' && item !== ''),
  page: flag,
};

export type ResolvedOptions = Readonly<Required<CollectorOptions>>;

/** @throws ConfigError naming the option at fault. */
export function resolveCollectorOptions(options: CollectorOptions): ResolvedOptions {
  return resolveOptions('startCollector', options, RULES, DEFAULTS);
}

/** @throws ConfigError in production, where a page that shows every event has no place. */
export function refuseProduction(): void {
  if (process.env['NODE_ENV'] === 'production')
    throw new ConfigError(
      'startCollector: NODE_ENV',
      'another than production (the collector shows every event to whoever can reach it)',
      "'production'",
    );
}
