import { Argument } from 'commander';
import { fail } from '../../../core/model/error.ts';
import { seeHelp } from '../../common/failure.ts';
import type { AddCommand, Finish, OpenSession } from '../add-command.ts';
import { type Session, show } from '../session.ts';

const views = () => import('../render.ts');

/** The sub-commands of `swapctl token`. */
const TOKEN_ACTIONS = ['create', 'list'] as const;

/** The options of `token` as they were written. */
interface TokenFlags {
  readonly allow?: readonly string[];
  readonly expires?: string;
  readonly file?: string;
}

const WRONG_FILE = 2;

/** Adds the command to the program. */
export function addToken(add: AddCommand, session: OpenSession, finish: Finish): void {
  add('token', 'create or list tokens for swapctl serve', [
    "swapctl token create ci --allow 'roll:shop/*' --expires 90d",
    'swapctl token create prometheus --allow read',
    'swapctl token list --file /etc/swapctl/tokens',
  ])
    .addArgument(
      new Argument('<what>', 'create: print a token and its line for the token file; list: print the tokens').choices(
        TOKEN_ACTIONS,
      ),
    )
    .argument('[name]', 'with create: name of the token in the audit log')
    .option('--allow <scopes>', 'read, check, roll:PATTERN, rollback:PATTERN, admin (repeatable)', collected)
    .option('--expires <time>', 'time until the token expires, such as 90d (default: never)')
    .option('--file <file>', 'with list: the token file (default: server.tokens in swapctl.yml)')
    .action(async (what: (typeof TOKEN_ACTIONS)[number], name: string | undefined, flags: TokenFlags) =>
      finish(await runToken(session(), what, name, flags)),
    );
}

function collected(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Creates a token and prints it once, or prints the tokens of a token file: 2 if a line of it is wrong. */
async function runToken(
  session: Session,
  action: (typeof TOKEN_ACTIONS)[number],
  name: string | undefined,
  flags: TokenFlags,
): Promise<number> {
  const desk = await session.context.openTokens();
  if (action === 'list') {
    const listed = await desk.list(flags.file ?? (await configuredFile(session)));
    show(session, listed, (await views()).tokensView);
    return listed.mistakes.length > 0 ? WRONG_FILE : 0;
  }
  const hint = seeHelp('swapctl token');
  if (name === undefined) return fail('usage', 'swapctl token create needs a name for the token', { hint });
  if (!flags.allow) return fail('usage', `--allow is missing: what may ${name} do?`, { hint });
  show(session, desk.create({ name, allow: flags.allow, expires: flags.expires }), (await views()).createdTokenView);
  return 0;
}

async function configuredFile({ context, globals }: Session): Promise<string> {
  const desk = await context.openConfig(globals.config === undefined ? {} : { config: globals.config });
  const { document } = await desk.show();
  const { server } = document as { readonly server?: { readonly tokens?: string } };
  return (
    server?.tokens ??
    fail('usage', 'swapctl.yml names no token file', { hint: 'name one with --file, or set server.tokens' })
  );
}
