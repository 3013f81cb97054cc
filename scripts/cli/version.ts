import about from '../../package.json' with { type: 'json' };
import { type Command, exits } from './command.ts';

export const version: Command = {
  name: 'version',
  summary: { en: 'Print the version', zh: '显示版本' },
  options: {},
  run: ({ shell }) => {
    shell.out(`${about.name} ${about.version}`);
    return Promise.resolve(exits.ok);
  },
};
