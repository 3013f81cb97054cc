import { describeWalks } from './random-walk-suite.ts';

describeWalks([1009, 1010, 1011, 1012]);
