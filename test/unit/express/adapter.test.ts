// The adapter contract on Express 4 and 5.
import { createServer } from 'node:http';
import express5, { type ErrorRequestHandler, type NextFunction, type Request, type Response } from 'express';
import express4 from 'express4';
import { snowplow } from '../../../src/express';
import { testAdapter } from '../../conformance/adapter';
import { type Adapter, type Call, FORWARDED } from '../../conformance/adapter-world';

const call = (req: Request, res: Response): Call => ({
  tracker: req.tracker,
  query: new URL(req.originalUrl, 'http://a').searchParams,
  raw: { req, res },
  send(status, body, headers = {}) {
    res.status(status).set(headers);
    if (typeof body === 'string') res.send(body);
    else body.pipe(res);
    return undefined;
  },
  takeRaw: () => res,
});

// Express 4 looks at no promise: there the app hands an error on by itself.
const handOn = async (result: Promise<unknown>, next: NextFunction): Promise<void> => {
  try {
    await result;
  } catch (error) {
    next(error);
  }
};

const adapter = (express: typeof express5, rejects: boolean): Adapter => ({
  route: '/r/:name',
  trusting: [true, 'first'],
  http2: false,
  trust: [
    [undefined, '127.0.0.1'],
    [false, '127.0.0.1'],
    [1, FORWARDED.split(', ')[2] as string],
    [true, FORWARDED.split(', ')[0] as string],
    ['loopback, 10.0.0.0/8', FORWARDED.split(', ')[1] as string],
  ],
  async start({ mounts, trust, mountPath, handle, onError }) {
    // Its header would keep all others where they can be asked for.
    const app = express().disable('x-powered-by');
    if (trust !== undefined) app.set('trust proxy', trust);
    for (const options of mounts) app.use(snowplow(options));
    app.use(express.json());
    app.all('/r/:name', (req, res, next) => {
      const result = handle(call(req, res));
      return rejects || !(result instanceof Promise) ? result : handOn(result, next);
    });
    const fail: ErrorRequestHandler = (error, req, res, _next) => {
      onError?.(call(req, res), error);
      res.status(418).send(String(error));
    };
    app.use(fail);
    const server = createServer(mountPath === '' ? app : express().use(mountPath, app));
    return { server, close: () => new Promise((resolve) => server.close(() => resolve())) };
  },
});

testAdapter('Express 4', adapter(express4, false));
testAdapter('Express 5', adapter(express5, true));
