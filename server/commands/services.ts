/** Joins the domain services with their ports, for the composition and for tests. */
import { Accounts } from '../domain/accounts.ts';
import { AuditLog } from '../domain/audit/audit-log.ts';
import { SignInFailures } from '../domain/audit/failures.ts';
import { CommitReader } from '../domain/commit-reader.ts';
import { ClockWatch } from '../domain/clock-watch.ts';
import { Conversations } from '../domain/conversations.ts';
import { Delivery } from '../domain/delivery.ts';
import { Devices } from '../domain/devices.ts';
import { KeyDirectory } from '../domain/directory/key-directory.ts';
import { type FileLimits, Files } from '../domain/files.ts';
import { Grants } from '../domain/grants.ts';
import { KnownBrowsers } from '../domain/known-browsers.ts';
import { LogReader } from '../domain/log-reader.ts';
import { Approvals } from '../domain/approvals.ts';
import { NewIdentity } from '../domain/new-identity.ts';
import { OwnDevices } from '../domain/own-devices.ts';
import { PersonLimits } from '../domain/person-limits.ts';
import { Passkeys } from '../domain/passkeys.ts';
import { Passwords } from '../domain/passwords.ts';
import { People } from '../domain/people.ts';
import { Permissions } from '../domain/permissions/permissions.ts';
import { Erasures } from '../domain/retention/erasures.ts';
import { Retention, retentionPartsOf } from '../domain/retention/retention.ts';
import { ServerKey } from '../domain/retention/server-key.ts';
import { Sessions } from '../domain/sessions.ts';
import { Ceremonies } from '../domain/sign-in/ceremonies.ts';
import { Enforcement } from '../domain/sign-in/enforcement.ts';
import { Factors } from '../domain/sign-in/factors.ts';
import { Health } from '../domain/sign-in/health.ts';
import { OwnPasswords } from '../domain/sign-in/own-password.ts';
import { PasswordResets } from '../domain/sign-in/password-reset.ts';
import { SignInPolicies } from '../domain/sign-in/policies.ts';
import { RecoveryCodes } from '../domain/sign-in/recovery-codes.ts';
import { SecondSteps } from '../domain/sign-in/second-steps.ts';
import { SignIn } from '../domain/sign-in/sign-in.ts';
import { StepUps } from '../domain/sign-in/step-up.ts';
import { type SignInAllowances, SignInLimits } from '../domain/sign-in-limits.ts';
import { Unfinished } from '../domain/unfinished.ts';
import { Vaults } from '../domain/vaults.ts';
import type { PersonAllowances } from '#protocol/limits.ts';
import type { EventBus } from '../ports/event-bus.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { Store } from '../ports/store.ts';

export interface ServiceConfig {
  /** As people see it in passkey dialogs. */
  readonly serverName: string;
  readonly version: string;
  /** Scheme, host and port, as browsers send it. */
  readonly origin: string;
  readonly setupToken: string;
  /** 32 bytes, the same after a restart; keys the hashes of session secrets. */
  readonly sessionKey: Uint8Array;
  /** Tests bring others. */
  readonly allowances?: SignInAllowances;
  /** What one person may ask for, where it is not as in limits.ts. */
  readonly personAllowances?: Partial<PersonAllowances>;
  readonly files: FileLimits;
}

export interface ServiceParts {
  readonly store: Store;
  readonly bus: EventBus;
  readonly runtime: Runtime;
  readonly config: ServiceConfig;
}

export interface Services extends ServiceParts {
  readonly accounts: Accounts;
  readonly audit: AuditLog;
  readonly browsers: KnownBrowsers;
  readonly clock: ClockWatch;
  readonly conversations: Conversations;
  readonly delivery: Delivery;
  readonly devices: Devices;
  readonly directory: KeyDirectory;
  readonly factors: Factors;
  readonly failures: SignInFailures;
  readonly files: Files;
  readonly grants: Grants;
  readonly limits: SignInLimits;
  readonly log: LogReader;
  readonly approvals: Approvals;
  readonly newIdentity: NewIdentity;
  readonly unfinished: Unfinished;
  readonly enforcement: Enforcement;
  readonly ownDevices: OwnDevices;
  readonly passkeys: Passkeys;
  readonly people: People;
  readonly personLimits: PersonLimits;
  readonly permissions: Permissions;
  readonly erasures: Erasures;
  readonly retention: Retention;
  readonly serverKey: ServerKey;
  readonly sessions: Sessions;
  readonly health: Health;
  readonly ownPasswords: OwnPasswords;
  readonly policies: SignInPolicies;
  readonly resets: PasswordResets;
  readonly signIn: SignIn;
  readonly stepUps: StepUps;
  readonly vaults: Vaults;
}

export function createServices({ store, bus, runtime, config }: ServiceParts): Services {
  const sessions = new Sessions({ store: store.sessions, devices: store.devices, bus, runtime, key: config.sessionKey });
  const limits = new SignInLimits(runtime, config.allowances);
  const browsers = new KnownBrowsers(config.sessionKey, runtime);
  const { origin, serverName, setupToken } = config;
  const grants = new Grants({ accounts: store.accounts, invites: store.invites, runtime, setupToken, origin });
  const ceremonies = new Ceremonies(store.ceremonies, runtime);
  const passkeys = new Passkeys({ ceremonies, accounts: store.accounts, runtime, origin, serverName });
  const passwords = new Passwords(runtime);
  const policies = new SignInPolicies({ store: store.signInPolicy, runtime, serverName });
  const ownPasswords = new OwnPasswords({ store: store.accounts, passwords, policies, runtime });
  const failures = new SignInFailures(store.audit, runtime);
  const codes = new RecoveryCodes(config.sessionKey, (length) => runtime.random(length));
  const secondSteps = new SecondSteps({ store: store.accounts, codes, runtime });
  const proving = { store: store.accounts, audit: store.audit, passkeys, passwords, secondSteps, sessions, limits, failures, policies };
  const serverKey = new ServerKey(store.audit);
  const conversations = new Conversations(store.conversations, bus, (record) => serverKey.floor(record));
  const accounts = new Accounts({ store: store.accounts, grants, passkeys, passwords, ownPasswords, policies, sessions, limits, runtime });
  const newIdentity = new NewIdentity({ accounts: store.accounts, memberships: store.conversations, conversations, bus, runtime });
  const people = new People(store.accounts);
  bus.subscribe((happening) => {
    if (happening.kind !== 'devices') return;
    accounts.forget(happening.userId);
    people.forget();
    policies.forget();
  });
  const retention = new Retention({ ...retentionPartsOf(store), conversations, bus, key: serverKey, runtime });
  return {
    store, bus, runtime, config, sessions, limits, browsers, failures, grants, passkeys, conversations, serverKey,
    retention,
    erasures: new Erasures({ accounts: store.accounts, ceremonies: store.ceremonies, retention, runtime }),
    audit: new AuditLog(store.audit, origin),
    clock: new ClockWatch(store.leases, runtime),
    accounts,
    factors: new Factors({ store: store.accounts, passkeys, ceremonies, codes, runtime, serverName, policies, sessions }),
    policies, ownPasswords,
    health: new Health({ accounts: store.accounts, sessions: store.sessions, devices: store.devices, vaults: store.vaults, policies, runtime }),
    resets: new PasswordResets({ store: store.accounts, audit: store.audit, passwords: ownPasswords, policies, sessions, runtime, origin, key: config.sessionKey }),
    signIn: new SignIn({ ...proving, ceremonies, browsers }),
    stepUps: new StepUps({ ...proving, runtime }),
    delivery: new Delivery({ conversations, store: store.conversations, commits: new CommitReader(store.devices), bus, runtime }),
    devices: new Devices({ store: store.devices, accounts: store.accounts, ceremonies: store.ceremonies, sessions, bus, runtime }),
    directory: new KeyDirectory(store.directory, origin),
    files: new Files({ store: store.blobs, runtime, limits: config.files }),
    newIdentity,
    unfinished: new Unfinished({ accounts: store.accounts, newIdentity, passwords: ownPasswords, sessions }),
    enforcement: new Enforcement({ accounts: store.accounts, sessions, policies }),
    approvals: new Approvals(runtime, bus),
    ownDevices: new OwnDevices({ store: store.devices, accounts: store.accounts, memberships: store.conversations, conversations, bus, runtime }),
    log: new LogReader(conversations, store.conversations),
    people,
    personLimits: new PersonLimits(runtime, config.personAllowances),
    permissions: new Permissions(),
    vaults: new Vaults({ store: store.vaults, runtime, bus, epochFor: (conversationId, userId) => conversations.epochFor(conversationId, userId) }),
  };
}
