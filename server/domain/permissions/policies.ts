/** The shipped policy set (Cedar). What no policy permits is denied ([P1]). */
import { type CommandName, commands } from '#protocol/commands/index.ts';

/** Changes with the text below: part of the key of cached decisions. */
export const policyVersion = 7;

const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ');
const everyName = Object.entries(commands);
const ofResource = (resource: string): CommandName[] =>
  everyName.flatMap(([name, row]) => (row.who !== 'anyone' && row.resource === resource && isAction(name) ? [name] : []));
const isAction = (name: string): name is CommandName => Object.hasOwn(commands, name);

/** What can be done with files of a conversation; their calls are no commands of the table. */
export const fileActions = ['file.upload', 'file.download'] as const;
export type FileAction = (typeof fileActions)[number];

/** Every command that a signed-in person can call is an action, for the kind of resource that its row names. */
export const schemaText = `
entity Role in [Role];
entity User in [Role];
entity System;
entity Account { owner: User };
entity Conversation;
action ${quoted(ofResource('self'))} appliesTo { principal: User, resource: Account };
action ${quoted(ofResource('system'))} appliesTo { principal: User, resource: System, context: { inviteRole: String } };
action ${quoted([...ofResource('conversation'), ...fileActions])} appliesTo { principal: User, resource: Conversation, context: { relation: String } };
`;

export const policyText = `
// One's own sessions, devices, vault and lists.
permit (principal in Role::"member", action, resource is Account) when { resource.owner == principal };

// The directory, and beginning conversations.
permit (
  principal in Role::"member",
  action in [Action::"people.list", Action::"people.find", Action::"directory.head", Action::"directory.leaves", Action::"directory.proof", Action::"device.list", Action::"keyPackage.claim", Action::"conversation.create"],
  resource is System
);

// Invites: owner and admins; an invitation for an admin is the owner's alone.
permit (
  principal in Role::"admin",
  action in [Action::"invite.create", Action::"invite.list", Action::"invite.revoke"],
  resource is System
);
forbid (principal, action == Action::"invite.create", resource is System)
when { context.inviteRole == "admin" }
unless { principal in Role::"owner" };

// How people sign in: owner and admins; links for the passwords of admins are the owner's, which the service sees to.
permit (
  principal in Role::"admin",
  action in [Action::"signInPolicy.get", Action::"signInPolicy.set", Action::"signInPolicy.health", Action::"passwordReset.create"],
  resource is System
);

// The audit log: owner and admins read it, nobody writes in it.
permit (
  principal in Role::"admin",
  action in [Action::"audit.list", Action::"audit.head", Action::"audit.proof", Action::"audit.export"],
  resource is System
);

// Retention: owner and admins; a hold and its release need two of them, which the service sees to.
permit (
  principal in Role::"admin",
  action in [
    Action::"retention.get", Action::"retention.set", Action::"retention.preview", Action::"retention.run", Action::"retention.receipts",
    Action::"hold.place", Action::"hold.confirm", Action::"hold.release", Action::"erasure.request", Action::"erasure.confirm"
  ],
  resource is System
);

// A conversation belongs to those who are in it; roles count for nothing there.
permit (principal in Role::"member", action, resource is Conversation)
when { context.relation == "member" || context.relation == "owner" };

// Whoever is out keeps what was theirs.
permit (principal in Role::"member", action == Action::"log.read", resource is Conversation)
when { context.relation == "leaving" || context.relation == "former" };

// Whoever leaves may repeat it when the answer got lost.
permit (principal in Role::"member", action == Action::"conversation.leave", resource is Conversation)
when { context.relation == "leaving" };
`;
