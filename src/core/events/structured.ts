// Builder of the structured event: category, action, label, property and value.
import { type Caller, checkOptionalNumber, checkOptionalText, checkText } from '../contracts';
import { checkEventArgs, type EventArgs, publicBuilder, type TrackerEvent } from './event';

/** Arguments of a structured event. */
export interface StructEventArgs extends EventArgs {
  readonly category: string;
  readonly action: string;
  readonly label?: string | null | undefined;
  readonly property?: string | null | undefined;
  /** A finite number; 0 is kept. */
  readonly value?: number | null | undefined;
}

export function buildStructEvent(args: StructEventArgs, caller: Caller): TrackerEvent {
  if (caller) {
    checkEventArgs(caller, args);
    checkText(caller, 'category', args.category);
    checkText(caller, 'action', args.action);
    checkOptionalText(caller, 'label', args.label);
    checkOptionalText(caller, 'property', args.property);
    checkOptionalNumber(caller, 'value', args.value);
  }
  const { category, action, label, property, value } = args;
  return { fields: { e: 'se', se_ca: category, se_ac: action, se_la: label, se_pr: property, se_va: value }, args };
}

/**
 * A structured event, `e=se`.
 *
 * @throws ContractError while contracts are on.
 * @example
 * tracker.track(structEvent({ category: 'shop', action: 'add-to-basket', label: 'pcs', value: 2 }));
 */
export const structEvent = publicBuilder('structEvent', buildStructEvent);
