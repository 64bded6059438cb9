// What a job carries: the events themselves, so that the worker needs nothing but the job.
import type { Payload } from '../core/emitter';

/** The name of every job. */
export const JOB_NAME = 'snowplow';

export interface JobData {
  readonly anonymous: boolean;
  readonly events: readonly Payload[];
  /** Events of this job that can never be delivered; they wait in the failed job for somebody to look at. */
  readonly refused?: readonly unknown[];
}
