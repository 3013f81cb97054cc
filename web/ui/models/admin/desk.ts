/** The administrators' desk as an object of calls, over the engine's one way in. */
import type { AdministrationApi, AdministrationMethod } from '../../../engine/administration-api.ts';
import type { EngineApi } from '../../../engine/api.ts';

export type { AdministrationApi, AuditFilter, ReceiptView, RetentionPreview, RetentionView } from '../../../engine/administration-api.ts';

const methods = {
  auditPage: true, auditLines: true, checkAudit: true, retention: true, setRetention: true, previewRetention: true,
  runRetention: true, receipts: true, placeHold: true, confirmHold: true, releaseHold: true, requestErasure: true,
  confirmErasure: true, retentionRules: true, requestOwnErasure: true, confirmOwnErasure: true,
} as const satisfies Record<AdministrationMethod, true>;

export function deskOf(actions: Pick<EngineApi, 'administer'>): AdministrationApi {
  const entries = Object.keys(methods).map((method) => [
    method,
    // Name and parameters were checked by AdministrationApi at the call.
    (...input: readonly unknown[]) => (actions.administer as (method: string, ...input: readonly unknown[]) => Promise<unknown>)(method, ...input),
  ]);
  return Object.fromEntries(entries) as AdministrationApi;
}
