// Faults planted into the built package: what each would do to a user, and the scenario that has to notice it.
import type { Patch } from './harness/package';

export interface Mutant {
  readonly title: string;
  readonly patches: readonly Patch[];
  /** A scenario's number, and words of its title where the number has several. */
  readonly noticedBy: readonly [number: number, words?: string];
}

const mutant = (
  title: string,
  noticedBy: Mutant['noticedBy'],
  file: string,
  ...changes: [find: string, put: string][]
): Mutant => ({
  title,
  noticedBy,
  patches: changes.map(([find, put]) => ({ file, find, put })),
});

export const mutants: readonly Mutant[] = [
  mutant('an ack is forgotten', [30, 'free again'], 'delivery/store/memory-store.js', [
    'const done = settle(named);',
    'const done = [];',
  ]),
  mutant('an event that came back is lost', [5, 'a third'], 'delivery/store/memory-store.js', [
    'putBack(lane, returned, returnedBytes);',
    'void 0;',
  ]),
  mutant('events are acknowledged by position', [5, 'one by one'], 'delivery/store/memory-store.js', [
    'return named.flatMap((event) => pull(open, event));',
    'return events.slice(0, named.length).flatMap((event) => pull(open, event));',
  ]),
  mutant('a full buffer evicts the oldest event in silence', [30, 'a burst far'], 'delivery/store/memory-store.js', [
    'events.length > this.#capacity)\n            return false;',
    'events.length > this.#capacity) this.take({ maxEvents: 1, maxBytes: Infinity, overhead: 0 })?.ack();',
  ]),
  mutant(
    'a buffer has no bound',
    [30, 'a burst far'],
    'delivery/store/memory-store.js',
    ['events.length > this.#capacity)', 'events.length > Infinity)'],
    ['+ bytesOf(events) > this.#capacityBytes)', '+ bytesOf(events) > Infinity)'],
  ),
  mutant('a time-out is swallowed', [12], 'delivery/http/undici-client.js', [
    'if (this.#timer === timer)',
    'if (false)',
  ]),
  mutant(
    'an event that is refused keeps its neighbours',
    [49, 'post, through a tracker'],
    'delivery/engine/outcome.js',
    ["status === 'retry' && result.suspicious === true;", 'false;'],
  ),
  mutant(
    'who is refused with an event is dropped with it',
    [49, 'post, through a tracker'],
    'delivery/engine/outcome.js',
    ["if (of === 'caller')", 'if (true)'],
  ),
  mutant('a redirect counts as success', [10, '301'], 'delivery/http/collector-transport.js', [
    'status >= 200 && status < 300)',
    'status >= 200 && status < 400)',
  ]),
  mutant('a rejection is retried for ever', [9, '400'], 'delivery/http/collector-transport.js', [
    'new Set([400, 401, 403, 410, 422])',
    'new Set()',
  ]),
  mutant('a connection that the server has closed is not replaced', [13, '100 ms'], 'delivery/http/undici-client.js', [
    'this.isStale = isOpen && isDead',
    'this.isStale = false && isDead',
  ]),
  mutant('Retry-After is ignored', [6, '503'], 'delivery/retry-policy/backoff.js', [
    'if (afterMs !== undefined)',
    'if (false)',
  ]),
  mutant('there is no backoff', [7, 'a word'], 'delivery/retry-policy/backoff.js', [
    'return until - performance.now();',
    'return 0;',
  ]),
  mutant(
    'waits go by the wall clock',
    [29, 'set back by an hour delays'],
    'delivery/retry-policy/backoff.js',
    ['const now = performance.now();', 'const now = Date.now();'],
    ['return until - performance.now();', 'return until - Date.now();'],
  ),
  mutant('what a close gives up is not reported', [17, 'memory held'], 'delivery/engine/in-flight.js', [
    "this.#stats.drop('shutdown', dropped);",
    '',
  ]),
  mutant('a close without an end', [17, 'memory held'], 'delivery/engine/batch-emitter.js', ['left() <= 0 ||', '']),
  mutant(
    'nobody asks for events when the process runs out of work',
    [42, 'sends what it tracked'],
    'delivery/engine/in-flight.js',
    ["process.on('beforeExit', onBeforeExit);", ''],
  ),
  mutant('process.exit loses events in silence', [42, 'memory held'], 'delivery/engine/in-flight.js', [
    "process.on('exit', onExit);",
    '',
  ]),
  mutant('a callback that throws reaches the engine', [40, 'throws'], 'core/logger.js', [
    'this.error(`${name} threw`);',
    'throw new Error(name);',
  ]),
  mutant('a callback that rejects is nobody’s', [40, 'rejects'], 'core/logger.js', [
    'result.then(undefined, () => this.error(`${name} rejected`));',
    '',
  ]),
  mutant('a callback is told of what it has tracked itself', [40, 'that track'], 'core/marks.js', [
    "storage.run.bind(storage, 'callback', callback)",
    'callback',
  ]),
  mutant('all visitors share one tracker', [33, 'express:'], 'middleware/middleware.js', [
    'this.tracker.forRequest(context)',
    '(globalThis.one ??= this.tracker.forRequest(context))',
  ]),
  mutant(
    'a pipelined answer ends in the scope of another',
    [34, 'express: no event of pipelined'],
    'middleware/middleware.js',
    ['(0, scope_1.bindEvents)(scope, raw);', ''],
  ),
  mutant('an answer that was cut off is a page view', [36, 'express: clients'], 'middleware/middleware.js', [
    'isFinished && !context.pageViewed && wentOut(raw)',
    '!context.pageViewed',
  ]),
  mutant('a picture that a page asks for again is a page view', [36, 'koa: what a page'], 'middleware/page-view.js', [
    'isOnly(NAVIGATE, mode) && isOnly(WHOLE_PAGE, destination)',
    'true',
  ]),
  mutant('a page that is fetched early is a page view', [36, 'express: what a page'], 'middleware/page-view.js', [
    'EARLY.some((name) => header(name))',
    'false',
  ]),
  mutant('an answer is over only when its connection says so', [36, 'koa: requests'], 'middleware/middleware.js', [
    "listen.call(raw, 'finish',",
    "listen.call(raw, 'none',",
  ]),
  mutant('signal listeners stay behind', [46, 'express:'], 'middleware/app-life.js', ['this.#unlisten?.()', 'false']),
  mutant(
    'a server that nobody has asked anything keeps its signal listener',
    [46, 'express:'],
    'middleware/app-life.js',
    ['this.#heard.size === 0)', 'false)'],
  ),

  mutant('a durable store says that it has written, and has not', [42, 'durable'], 'disk/segment.js', [
    'writeAll(this.#file, lines, this.end);',
    'writeAll(this.#file, lines.fill(10), this.end);',
  ]),
  mutant('bytes are not counted', [30, 'large events'], 'delivery/store/memory-store.js', [
    '+ bytesOf(events) > this.#capacityBytes)',
    '+ bytesOf(events) > Infinity)',
  ]),
  mutant('bytes that come back are forgotten', [30, 'large events'], 'delivery/store/memory-store.js', [
    'this.bytes += returnedBytes;',
    ';',
  ]),
  mutant('what is given up is not reported', [9, '400'], 'delivery/engine/stats.js', [
    'this.#report(reason, told, error);',
    '',
  ]),
  mutant('a flush does not wait for what is out', [38], 'delivery/engine/flush.js', [
    'for (const { events } of batches)',
    'for (const { events } of [])',
  ]),
  mutant('an answer is read to its end', [11, 'flood'], 'delivery/http/undici-client.js', [
    'this.#received > MAX_ANSWER_BYTES',
    'this.#received > Infinity',
  ]),
  mutant(
    'an emitter that throws takes the event from the one beside it',
    [41, 'an emitter that throws'],
    'core/tracker/pipeline.js',
    ["refusal = 'store-error';", "throw new Error('planted');"],
  ),
  mutant('a signal ends the process at once', [16, 'koa:'], 'middleware/shutdown.js', [
    'void Promise.all(asked.map((app) => app.end())).then(',
    'void Promise.resolve().then(',
  ]),
  mutant('Nest ends without waiting', [44, 'nest on fastify: a signal'], 'nest/snowplow.module.js', [
    'async onApplicationShutdown() {',
    'async onApplicationShutdown() { return;',
  ]),

  mutant(
    'a class decorator hides a class from the guards of others',
    [44, 'nest on express: a guard'],
    'nest/decorators/decorators.js',
    [
      '(0, intents_1.declare)(declaring, intent);',
      '(0, intents_1.declare)(declaring, intent); declaring.prototype.constructor = function () {};',
    ],
  ),

  // Who an event is about, and what it may tell.
  mutant('events carry what another request brought', [33, 'koa:'], 'core/request/http-request-context.js', [
    'const fields = (0, request_fields_1.requestFields)(',
    'const fields = globalThis.fields ??= (0, request_fields_1.requestFields)(',
  ]),
  mutant('a Nest app tracks for whoever came first', [44, 'nest on express: a signal'], 'nest/tracker.service.js', [
    'return scope_1.scopes.getStore()?.findWhere(this.#isMine);',
    'return (globalThis.found ??= scope_1.scopes.getStore()?.findWhere(this.#isMine));',
  ]),
  mutant('a request runs outside of its scope', [33, 'express4:'], 'middleware/middleware.js', [
    'scope_1.scopes.run(scope, next)',
    'next()',
  ]),
  mutant('a request is over as soon as it begins', [34, 'koa: no event of concurrent'], 'middleware/middleware.js', [
    "listen.call(raw, 'close',",
    "context.end(); listen.call(raw, 'close',",
  ]),
  mutant('a scope outlives its request', [34, 'express: a client'], 'core/tracker/scope.js', [
    'for (const scope of closing)\n        scope.isOpen = false;',
    '',
  ]),
  mutant('a referrer tells its secrets', [34, 'koa: no event of pipelined'], 'core/request/request-fields.js', [
    'return url && redactedUrl(url, MAX_REFERRER_PATH, rules, anonymous);',
    'return url && (0, page_url_1.urlText)(url, MAX_REFERRER_PATH);',
  ]),
  mutant('a header tells the secrets of a URL', [34, 'koa: no anonymous event'], 'core/request/header-entities.js', [
    'return (0, request_fields_1.foreignUrl)(value, rules, anonymous);',
    'return value;',
  ]),
  mutant(
    'a header tells the address of an anonymous visitor',
    [34, 'express4: no anonymous event'],
    'core/request/header-entities.js',
    ['if ((anonymous || rules.maskIp) && (', 'if (rules.maskIp && ('],
  ),
  mutant(
    'a link inside of a link tells who an anonymous visitor is',
    [34, 'express: no anonymous event'],
    'core/url/linker.js',
    ['out += separator + (holds(piece) ? escaped(piece, depth) : piece);', 'out += separator + piece;'],
  ),
  mutant('anonymous events share a request with others', [5, 'a third'], 'delivery/store/memory-store.js', [
    'const lane = anonymous ? this.#anonymous : this.#named;',
    'const lane = this.#named;',
  ]),
  mutant('the collector is not told of anonymity', [5, 'one by one'], 'delivery/http/collector-transport.js', [
    "anonymous ? { ...this.#headers, 'sp-anonymous': '*' } : this.#headers;",
    'this.#headers;',
  ]),
  mutant('a durable store forgets who is anonymous', [18], 'disk/record.js', [
    'anonymous ? MARKS.anonymous : MARKS.named',
    'MARKS.named',
  ]),
  mutant('anonymous events lie in the list of the others', [25], 'redis/push-transport.js', [
    'this.#lists[events[0]?.anonymous ? 1 : 0]',
    'this.#lists[0]',
  ]),
  mutant('the jobs of anonymous events do not say so', [28, 'rejects'], 'bullmq/queue-transport.js', [
    'anonymous: events[0]?.anonymous === true',
    'anonymous: false',
  ]),

  // What outlives the process, or lies between processes.
  mutant('nobody takes over from the dead', [45, 'killed'], 'disk/neighbours.js', [
    'else if (!this.#isClosed && this.#isDead(folder, answer))',
    'else if (false)',
  ]),
  mutant('what is settled is not noted on the disk', [31], 'disk/segment.js', [
    'this.entries.delete(entry);',
    'return void this.entries.delete(entry);',
  ]),
  mutant('stored() does not wait for the disk', [19, 'a power cut loses'], 'disk/files.js', [
    'await segment.save();',
    '',
  ]),
  mutant('a job that is added again has another name', [28, 'rejects'], 'bullmq/queue-transport.js', [
    'jobId: id }',
    'jobId: `${id}-${Math.random()}` }',
  ]),
  mutant('a worker that others took for dead goes on', [26], 'redis/worker/redis-event-store.js', [
    'if (taken > 0)',
    'if (false)',
  ]),
  mutant('a worker needs memory of Redis before it takes anything out', [22, 'is full'], 'redis/worker/scripts.js', [
    "redis.call('LTRIM', KEYS[1], 0, -1)\n  redis.call('HDEL', KEYS[2], '')",
    '',
  ]),
  mutant('a worker says of what it has taken that it is delivered', [24], 'redis/worker/redis-event-store.js', [
    'const open = new Set(lease.events);',
    'const open = new Set(lease.events); void this.#settle(lease.events, scripts_1.DONE);',
  ]),
];
