// Notes which handler a request goes to, before any guard or interceptor of the app may keep it from being reached.
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { isMessage, noteTaken } from './calls';

/** The first of an app's guards. It lets everything pass. */
export const trackingGuard: CanActivate = {
  canActivate(context: ExecutionContext): true {
    const type = context.getType<string>();
    if (!isMessage(type)) noteTaken(context.getHandler(), context.getClass(), type === 'http');
    return true;
  },
};
