// Notes what a decorated handler did. It tracks nothing where there is a response: that is done once, at its end.
import {
  type CallHandler,
  type ExecutionContext,
  Inject,
  Injectable,
  type NestInterceptor,
  Optional,
} from '@nestjs/common';
import { finalize, type Observable, tap } from 'rxjs';
import { isMessage, type Method, noteCall, observeArguments, trackCall } from './calls';
import { TrackerService } from '../tracker.service';

@Injectable()
export class TrackingInterceptor implements NestInterceptor {
  readonly #service: TrackerService | undefined;
  // A handler and its class may both be decorated: Nest then asks twice, with one context.
  readonly #seen = new WeakSet<ExecutionContext>();

  constructor(@Optional() @Inject(TrackerService) service?: TrackerService) {
    this.#service = service;
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (this.#seen.has(context)) return next.handle();
    this.#seen.add(context);
    const ofMessage = isMessage(context.getType<string>());
    const call = {
      handler: context.getHandler(),
      owner: context.getClass(),
      args: ofMessage ? context.getArgs() : [],
      result: undefined as unknown,
      failed: false,
    };
    if (!ofMessage) {
      observeArguments(call.handler as Method);
      noteCall(call);
    }
    const noted = next.handle().pipe(
      tap({
        next: (result: unknown) => {
          call.result = result;
        },
        error: () => {
          call.failed = true;
        },
      }),
    );
    const service = this.#service;
    if (!ofMessage || !service?.app) return noted;
    const { current } = service;
    // A message has no response: its end is the handler's.
    return noted.pipe(
      finalize(() =>
        trackCall(call, call.failed ? 'error' : 'success', context.getArgByIndex(0), current, service.app.log),
      ),
    );
  }
}
