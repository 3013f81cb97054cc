import { describeWalks } from './random-walk-suite.ts';

describeWalks([1001, 1002, 1003, 1004]);
