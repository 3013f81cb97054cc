import { describe, expect, it } from 'vitest';
import type { Happening } from '../../../server/ports/event-bus.ts';
import { InProcessBus } from '../../../server/bus/in-process.ts';
import { userOf } from '../../contract/people.ts';

const happening = (name: string): Happening => ({ kind: 'devices', userId: userOf(name) });

describe('the bus of one process', () => {
  it('tells listeners in order of subscription, at once, until they stop', () => {
    const bus = new InProcessBus(() => undefined);
    const heard: string[] = [];
    const stop = bus.subscribe(() => heard.push('first'));
    bus.subscribe(() => heard.push('second'));
    bus.publish(happening('ann'));
    stop();
    stop();
    bus.publish(happening('ann'));
    expect(heard).toEqual(['first', 'second', 'second']);
  });

  it('keeps a listener that throws from harming the publisher and the others', () => {
    const failures: unknown[] = [];
    const bus = new InProcessBus((failure) => failures.push(failure));
    const heard: Happening[] = [];
    const broken = new Error('broken');
    bus.subscribe(() => {
      throw broken;
    });
    bus.subscribe((each) => heard.push(each));
    bus.publish(happening('bob'));
    expect(heard).toEqual([happening('bob')]);
    expect(failures).toEqual([broken]);
  });

  it('does not tell somebody who subscribes meanwhile of what is being told', () => {
    const bus = new InProcessBus(() => undefined);
    const heard: string[] = [];
    bus.subscribe(() => {
      heard.push('old');
      if (heard.length === 1) bus.subscribe(() => heard.push('new'));
    });
    bus.publish(happening('ann'));
    expect(heard).toEqual(['old']);
    bus.publish(happening('ann'));
    expect(heard).toEqual(['old', 'old', 'new']);
  });
});
