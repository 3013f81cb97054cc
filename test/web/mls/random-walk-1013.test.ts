import { describePostQuantumWalk, describeWalks } from './random-walk-suite.ts';

describeWalks([1013, 1014, 1015]);
describePostQuantumWalk(7);
