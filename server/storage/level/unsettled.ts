/** What was erased by classes of data and stands in no receipt yet: counted in the very batch that erases. */
import type { ErasedOther } from '#protocol/retention.ts';
import type { KeyRing } from '../sealed/key-ring.ts';
import type { Operation } from './group-writer.ts';
import type { Tables } from './tables.ts';

interface Places {
  readonly tables: Tables;
  readonly keys: KeyRing;
}

const placeOf = ({ keys }: Places, { class: ofClass, conversationId }: ErasedOther): Uint8Array<ArrayBuffer> =>
  keys.pseudonym('unsettled', `${ofClass} ${conversationId ?? ''}`);

/** Adds to what is there. One after the other for each class and conversation. */
export async function counted(access: Places, more: ErasedOther): Promise<Operation> {
  const place = placeOf(access, more);
  const earlier = await access.tables.unsettled.get(place);
  return access.tables.unsettled.put(place, {
    ...more,
    count: more.count + (earlier?.count ?? 0),
    bytes: more.bytes + (earlier?.bytes ?? 0),
    before: Math.max(more.before, earlier?.before ?? 0),
  });
}

export const settled = (access: Places, others: readonly ErasedOther[]): readonly Operation[] =>
  others.map((other) => access.tables.unsettled.del(placeOf(access, other)));
