import { ignored, malformed, NO_TAG, pushed, type ReadHook } from '../hint.ts';
import { push, repositoryOf, shown, tagsIn, textAt } from '../parts.ts';

/** Elastic Container Registry, by EventBridge. */
export const readEcr: ReadHook = ({ body, registry }) => {
  const type = textAt(body, 'detail-type');
  if (type === undefined) return malformed('it has no detail-type');
  const [action = '', result = ''] = [textAt(body, 'detail', 'action-type'), textAt(body, 'detail', 'result')];
  if (textAt(body, 'source') !== 'aws.ecr' || type !== 'ECR Image Action')
    return ignored(`the event ${shown(type)} says nothing about images`);
  if (action !== 'PUSH' || result !== 'SUCCESS')
    return ignored(`the action ${shown(action)} with the result ${shown(result)} pushes nothing`);
  const tag = textAt(body, 'detail', 'image-tag');
  if (tagsIn([tag]).length === 0) return ignored(NO_TAG);
  const path = textAt(body, 'detail', 'repository-name');
  const hosts = registry === undefined ? hostsOf(body) : [registry];
  const names = hosts.map((host) => repositoryOf(host, path));
  return pushed(`${type} ${action}`, [push(names, [tag], textAt(body, 'detail', 'image-digest'))]);
};

// An account has one registry in each region, with a name for IPv4 and one for both versions of IP.
function hostsOf(body: unknown): string[] {
  const [account = '', region = ''] = [textAt(body, 'account'), textAt(body, 'region')];
  if (!/^\d{12}$/.test(account) || !/^[a-z0-9-]{1,40}$/.test(region)) return [];
  const china = region.startsWith('cn-');
  return [
    `${account}.dkr.ecr.${region}.amazonaws.com${china ? '.cn' : ''}`,
    `${account}.dkr-ecr.${region}.on.${china ? 'amazonwebservices.com.cn' : 'aws'}`,
  ];
}
