import { describeWalks } from './random-walk-suite.ts';

describeWalks([1005, 1006, 1007, 1008]);
