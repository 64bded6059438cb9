// Reports what to install if Nest is missing. The entry point imports it before any module that cannot load without Nest.
import { ConfigError, isMissing } from '../core/errors';

try {
  require('@nestjs/common');
  require('@nestjs/core');
  require('rxjs');
} catch (error) {
  const needed = ['@nestjs/common', '@nestjs/core', 'rxjs'];
  if (!needed.some((name) => isMissing(error, name))) throw error;
  throw new ConfigError('snowplow-middleware/nest', `used in a Nest app: npm install ${needed.join(' ')}`);
}
