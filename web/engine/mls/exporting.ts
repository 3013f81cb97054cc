import { copyBytes } from './bytes.ts';
import { MlsError } from './errors.ts';
import { cipherSuite, mlsExporter } from './library.ts';
import { GroupState, suite } from './state.ts';

/** RFC 5869 bounds an expansion by 255 blocks; nothing of ours needs more than this. */
const exportBytesMax = 1_024;

/** MLS-Exporter (RFC 9420 §8.5): `length` bytes, at most 1,024, bound to this epoch, label and context. Throws `removed`, `misuse`. */
export async function exportSecret(
  state: GroupState,
  label: string,
  context: Uint8Array,
  length: number,
): Promise<Uint8Array> {
  const { keySchedule } = GroupState.openActive(state);
  if (!Number.isInteger(length) || length < 1 || length > exportBytesMax)
    throw new MlsError('misuse', 'length of an exported secret');
  return mlsExporter(
    keySchedule.exporterSecret,
    label,
    copyBytes(context),
    length,
    await cipherSuite(suite(state), null),
  );
}
