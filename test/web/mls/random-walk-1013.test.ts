import { describePostQuantumWalks, describeWalks } from './random-walk-suite.ts';

describeWalks([1013, 1014, 1015]);
describePostQuantumWalks([7]);
