// The types of an Express app.
import express from 'express';
import { snowplow } from 'snowplow-middleware/express';

const app = express();
app.use(
  snowplow({ endpoint: 'c.test', skip: (req) => req.path === '/', pageViews: (_req, res) => res.statusCode === 200 }),
);
app.get('/', (req, res) => {
  req.tracker.trackPageView({ pageTitle: 'Home' }).setSubject(req.tracker.subject);
  res.send('ok');
});
// @ts-expect-error -- no such event
app.get('/', (req) => req.tracker.trackNothing());
