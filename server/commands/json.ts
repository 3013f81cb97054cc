/** Bytes in JSON are unpadded base64url ([F5]). Where bytes stand, the row's schema says: fields with the metadata `bytes`. */
import type * as v from 'valibot';
import { type CommandName, commands } from '#protocol/commands/index.ts';
import { fromBase64Url, toBase64Url } from '#protocol/ids.ts';

type Convert = (value: unknown) => unknown;
type Shape =
  | { readonly kind: 'other' }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'object'; readonly entries: ReadonlyMap<string, Shape> }
  | { readonly kind: 'array'; readonly item: Shape }
  | { readonly kind: 'variant'; readonly key: string; readonly options: readonly { readonly value: unknown; readonly shape: Shape }[] };

const other: Shape = { kind: 'other' };

/** What valibot's own types hide behind generics: the parts of a schema that this walk reads. */
interface SchemaParts {
  readonly type: string;
  readonly pipe?: readonly { readonly type: string; readonly metadata?: unknown }[];
  readonly wrapped?: v.GenericSchema;
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  readonly item?: v.GenericSchema;
  readonly key?: unknown;
  readonly options?: readonly unknown[];
  readonly literal?: unknown;
}

const isSchema = (value: unknown): value is v.GenericSchema => typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'schema';

function marksBytes(parts: SchemaParts): boolean {
  return (parts.pipe ?? []).some(
    ({ type, metadata }) => type === 'metadata' && typeof metadata === 'object' && metadata !== null && 'bytes' in metadata,
  );
}

/** The schema reduced to where its bytes are. */
export function shapeOf(schema: v.GenericSchema): Shape {
  const parts: SchemaParts = schema;
  if (marksBytes(parts)) return { kind: 'bytes' };
  if (parts.wrapped !== undefined) return shapeOf(parts.wrapped);
  if (parts.entries !== undefined) {
    const entries = Object.entries(parts.entries).map(([name, entry]) => [name, shapeOf(entry)] as const);
    return { kind: 'object', entries: new Map(entries.filter(([, shape]) => shape !== other)) };
  }
  if (parts.item !== undefined) return { kind: 'array', item: shapeOf(parts.item) };
  if (parts.type === 'variant' && typeof parts.key === 'string') {
    const { key, options = [] } = parts;
    return { kind: 'variant', key, options: options.filter(isSchema).map((option) => ({ value: literalOf(option, key), shape: shapeOf(option) })) };
  }
  return other;
}

function literalOf(option: v.GenericSchema, key: string): unknown {
  const parts: SchemaParts = option;
  const field: SchemaParts | undefined = parts.entries?.[key];
  return field?.literal;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

/** A copy with every byte field converted; what does not fit the shape stays as it is, for the parser to refuse. */
function walk(shape: Shape, value: unknown, convert: Convert): unknown {
  switch (shape.kind) {
    case 'other':
      return value;
    case 'bytes':
      return convert(value);
    case 'array':
      return Array.isArray(value) ? value.map((item: unknown) => walk(shape.item, item, convert)) : value;
    case 'object': {
      if (!isRecord(value)) return value;
      const converted = Object.entries(value).map(([name, field]) => [name, walk(shape.entries.get(name) ?? other, field, convert)] as const);
      // Object.fromEntries defines own properties, so that a field named __proto__ stays a field.
      return Object.fromEntries(converted);
    }
    case 'variant': {
      const option = isRecord(value) ? shape.options.find((candidate) => candidate.value === value[shape.key]) : undefined;
      return walk(option?.shape ?? other, value, convert);
    }
  }
}

const shapes = new Map(Object.entries(commands).map(([name, row]) => [name, { input: shapeOf(row.input), output: shapeOf(row.output) }] as const));

const toBytes: Convert = (value) => (typeof value === 'string' ? (fromBase64Url(value) ?? value) : value);
const toText: Convert = (value) => (value instanceof Uint8Array ? toBase64Url(value) : value);

/** Never throws; what does not fit the schema is passed on for the router to refuse. */
export const inputFromJson = (command: CommandName, json: unknown): unknown => walk(shapes.get(command)?.input ?? other, json, toBytes);
export const outputToJson = (command: CommandName, output: unknown): unknown => walk(shapes.get(command)?.output ?? other, output, toText);
export const inputToJson = (command: CommandName, input: unknown): unknown => walk(shapes.get(command)?.input ?? other, input, toText);
export const outputFromJson = (command: CommandName, json: unknown): unknown => walk(shapes.get(command)?.output ?? other, json, toBytes);
