import { describe, expect, it } from 'vitest';
import { clock, dayKey, dayLabel, daysBetween, listTime } from '../../../../web/ui/models/time.ts';

const at = (day: number, hour: number, minute = 0, month = 10, year = 2026): number => new Date(year, month, day, hour, minute).getTime();
const now = at(23, 0, 5);

describe('times as people read them', () => {
  it('uses the 24-hour clock in both languages, also at midnight', () => {
    expect(clock(at(23, 0, 3), 'en')).toBe('00:03');
    expect(clock(at(23, 23, 59), 'zh-CN')).toBe('23:59');
  });
  it('changes from clock to yesterday at midnight, not after 24 hours', () => {
    expect(listTime(at(23, 0, 0), now, 'en')).toBe('00:00');
    expect(listTime(at(22, 23, 59), now, 'en')).toBe('Yesterday');
    expect(listTime(at(22, 0, 0), now, 'zh-CN')).toBe('昨天');
  });
  it('names weekdays for two to six days, then dates, then years', () => {
    expect(listTime(at(21, 12), now, 'en')).toBe('Sat');
    expect(listTime(at(17, 12), now, 'zh-CN')).toBe('周二');
    expect(listTime(at(16, 12), now, 'en')).toBe('Nov 16');
    expect(listTime(at(31, 12, 0, 11, 2025), now, 'en')).toBe('12/31/2025');
  });
  it('shows the clock for a moment that is ahead of this device', () => {
    expect(listTime(at(24, 9, 30), now, 'en')).toBe('09:30');
  });
  it('labels days', () => {
    expect(dayLabel(at(23, 0), now, 'zh-CN')).toBe('今天');
    expect(dayLabel(at(22, 12), now, 'en')).toBe('Yesterday');
    expect(dayLabel(at(20, 12), now, 'en')).toBe('Friday, November 20');
    expect(dayLabel(at(1, 12, 0, 0, 2025), now, 'zh-CN')).toBe('2025年1月1日');
    expect(dayKey(at(23, 0))).toBe(dayKey(at(23, 23, 59)));
    expect(dayKey(at(23, 0))).not.toBe(dayKey(at(22, 23, 59)));
    expect(daysBetween(at(22, 23, 59), now)).toBe(1);
  });
});
