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
   * The port; 0 means any free port.
   * @default 0
   */
  port?: number;
  /**
   * The address to listen on. Events can hold personal data: keep the loopback address if you can.
   * @default '127.0.0.1'
   */
  host?: string;
  /**
   * The sources of schemas: folders in Iglu layout, and http(s) URLs of Iglu registries, searched in this order.
   * Without a source, schemas are unchecked. With one or more, an event whose schema is not found is bad, as in the pipeline.
   * The schemas of the package's own entities are always found.
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

const DEFAULTS = { port: 0, host: '127.0.0.1', iglu: [] as readonly string[], page: true };

const RULES = {
  port: integer(0, 65_535),
  host: text,
  iglu: list('a list of folders and http(s) URLs', (item) => typeof item === 'string' && item !== ''),
  page: flag,
};

/** @throws ConfigError that names the option at fault. */
export const resolveCollectorOptions = (options: CollectorOptions): Readonly<Required<CollectorOptions>> =>
  resolveOptions('startCollector', options, RULES, DEFAULTS);

/** @throws ConfigError in production, because the page shows every event. */
export function refuseProduction(): void {
  if (process.env['NODE_ENV'] === 'production')
    throw new ConfigError(
      'startCollector: NODE_ENV',
      'anything except production, because the collector shows every event to anyone who can reach it',
      "'production'",
    );
}
