// An event as it lies in the file: a checksum, its anonymity, its id, its JSON. What is read back is never trusted.
import { crc32 } from 'node:zlib';
import { isUuid } from '../core/contracts';
import { EncodedEvent } from '../core/emitter';

const CHECKSUM = 4;
const ID = CHECKSUM + 1;
const JSON_TEXT = ID + 36;

export function toRecord({ json, bytes, eventId, anonymous }: EncodedEvent): Buffer {
  const record = Buffer.allocUnsafe(JSON_TEXT + bytes);
  record[CHECKSUM] = anonymous ? 1 : 0;
  record.write(eventId, ID, 'latin1');
  record.write(json, JSON_TEXT, 'utf8');
  record.writeUInt32LE(crc32(record.subarray(CHECKSUM)), 0);
  return record;
}

/** The event, or undefined when the record is not what was written. */
export function fromRecord(record: Uint8Array): EncodedEvent | undefined {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.length);
  if (bytes.length <= JSON_TEXT || crc32(bytes.subarray(CHECKSUM)) !== bytes.readUInt32LE(0)) return undefined;
  const eventId = bytes.toString('latin1', ID, JSON_TEXT);
  if (!isUuid(eventId)) return undefined;
  return new EncodedEvent(bytes.toString('utf8', JSON_TEXT), bytes.length - JSON_TEXT, eventId, bytes[CHECKSUM] === 1);
}

/** Bytes that an event's record has beside its JSON. */
export const RECORD_OVERHEAD = JSON_TEXT;
