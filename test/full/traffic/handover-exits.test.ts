import { appIsHandedOver } from '../../engine/traffic/handed-over.ts';

appIsHandedOver({ drains: false });
