// The basket, shared by all visitors, because this demo is about tracking, not about shops.
import { Injectable } from '@nestjs/common';
import { Stock } from './stock.service';

@Injectable()
export class Baskets {
  readonly pieces = new Map<string, number>();

  constructor(private readonly stock: Stock) {}

  add(sku: string): void {
    this.stock.reserve(sku);
    this.pieces.set(sku, (this.pieces.get(sku) ?? 0) + 1);
  }
}
