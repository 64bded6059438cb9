// Deep in the call chain, far from any request, it still tracks for the right visitor.
import { Injectable, NotFoundException } from '@nestjs/common';
import { TrackerService } from 'snowplow-middleware/nest';
// Written by `npx snowplow-middleware types examples/schemas --out examples/nest/tracking.ts`.
import { stock } from './tracking';

@Injectable()
export class Stock {
  readonly #pieces = new Map([
    ['SENCHA-100', 20],
    ['ASSAM-250', 40],
    ['OOLONG-075', 5],
  ]);

  constructor(private readonly tracker: TrackerService) {}

  reserve(sku: string): void {
    const left = this.#pieces.get(sku);
    if (left === undefined) throw new NotFoundException('No such tea.');
    this.#pieces.set(sku, left - 1);
    this.tracker.trackStructEvent({
      category: 'shop',
      action: 'add-to-basket',
      label: sku,
      property: 'pcs',
      value: 1,
      context: [stock({ sku, left: left - 1 })],
    });
  }
}
