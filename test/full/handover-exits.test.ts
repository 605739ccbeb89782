import { appIsHandedOver } from '../engine/handed-over.ts';

appIsHandedOver({ drains: false });
