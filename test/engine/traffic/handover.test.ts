import { appIsHandedOver } from './handed-over.ts';

appIsHandedOver({ drains: true });
