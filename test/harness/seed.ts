/**
 * One seed for every property, so that a run repeats: the same code passes or fails the same way everywhere.
 * `LANYING_TEST_SEED` (an integer) looks elsewhere, `LANYING_TEST_REPEATS` (from 1) makes the long properties longer.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['LANYING_TEST_SEED'] ?? 1) });

export const repeats = Number(process.env['LANYING_TEST_REPEATS'] ?? 1);
