import { rollsUnderLoad } from './rolls-under-load.ts';

rollsUnderLoad(1, false);
