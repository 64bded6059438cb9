// Says what to install where Nest is missing: the door imports it before anything that cannot load without Nest.
import { ConfigError } from '../core/errors';

const missing = ['@nestjs/common', '@nestjs/core', 'rxjs'].filter((name) => {
  try {
    require.resolve(name);
    return false;
  } catch {
    return true;
  }
});
if (missing.length > 0)
  throw new ConfigError('snowplow-middleware/nest', `used in a Nest app: npm install ${missing.join(' ')}`);
