// The pattern of a request's route, built when the router names the route. Later, in an error handler or at the end of the response,
// the outer routers have already removed their mount paths. Part of middleware.ts.

/** How an adapter finds the route of a request. */
interface MatchedRoute<Req> {
  /** Called when a request arrives, if its route is needed. */
  readonly watch: (req: Req) => void;
  /** The pattern, with all mount paths; undefined until a route has matched. */
  readonly pattern: (req: Req) => string | undefined;
}

/**
 * Watches the property in which a router stores the route.
 *
 * @param patternOf The whole pattern; called while the router is running.
 * @example
 * const route = matchedRoute<Request>('route', (req, { path }: { path: string }) => req.baseUrl + path);
 */
export function matchedRoute<Req extends object, Named>(
  property: string,
  patternOf: (req: Req, named: Named) => string,
): MatchedRoute<Req> {
  // Stored on the request itself, so that objects that inherit from it have them too.
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
