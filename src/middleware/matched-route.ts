// The pattern of the route that takes a request, put together when the router names it. By the time of an error handler, or of
// the answer's end, the routers around it have taken back the paths that they are mounted at. Part of middleware.ts.

/** How an adapter learns the route of a request. */
export interface MatchedRoute<Req> {
  /** Called when a request arrives, where its route is wanted. */
  readonly watch: (req: Req) => void;
  /** The pattern, with the paths of all mounts; undefined as long as no route has taken the request. */
  readonly pattern: (req: Req) => string | undefined;
}

/**
 * Watches the property in which a router names the route.
 *
 * @param patternOf The whole pattern, while the router is at work.
 * @example
 * const route = matchedRoute<Request>('route', (req, { path }: { path: string }) => req.baseUrl + path);
 */
export function matchedRoute<Req extends object, Named>(
  property: string,
  patternOf: (req: Req, named: Named) => string,
): MatchedRoute<Req> {
  // On the request itself, so that whatever inherits from it has them as well.
  const named = Symbol(`snowplow-middleware.${property}`);
  const pattern = Symbol(`snowplow-middleware.${property}-pattern`);
  const accessor = {
    configurable: true,
    enumerable: true,
    get(this: Req): unknown {
      return Reflect.get(this, named);
    },
    set(this: Req, value: Named | null | undefined): void {
      Reflect.set(this, named, value);
      Reflect.set(this, pattern, value === undefined || value === null ? undefined : patternOf(this, value));
    },
  };
  return {
    watch(req) {
      if (named in req) return;
      const present: unknown = Reflect.get(req, property);
      if (Reflect.defineProperty(req, property, accessor)) Reflect.set(req, property, present);
    },
    pattern: (req) => Reflect.get(req, pattern) as string | undefined,
  };
}
