import { openLevelBench } from './level-bench.ts';
import { storeContract } from './store-contract.ts';

storeContract('LevelDB', () => openLevelBench());
