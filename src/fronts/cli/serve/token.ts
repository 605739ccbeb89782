import { Argument } from 'commander';
import type { CreatedToken, ListedTokens } from '../../../core/access/desk.ts';
import { fail } from '../../../core/model/error.ts';
import { seeHelp } from '../../common/failure.ts';
import type { Page } from '../../terminal/style.ts';
import { table } from '../../terminal/table.ts';
import type { AddCommand, Finish, OpenSession } from '../add-command.ts';
import { type Session, show } from '../session.ts';

/** The sub-commands of `swapctl token`. */
const TOKEN_DEEDS = ['create', 'list'] as const;

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
        TOKEN_DEEDS,
      ),
    )
    .argument('[name]', 'with create: name of the token in the audit log')
    .option('--allow <scopes>', 'read, check, roll:PATTERN, rollback:PATTERN, admin (repeatable)', collected)
    .option('--expires <time>', 'time until the token expires, such as 90d (default: never)')
    .option('--file <file>', 'with list: the token file (default: server.tokens in swapctl.yml)')
    .action(async (what: (typeof TOKEN_DEEDS)[number], name: string | undefined, flags: TokenFlags) =>
      finish(await runToken(session(), what, name, flags)),
    );
}

function collected(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Creates a token and prints it once, or prints the tokens of a token file: 2 if a line of it is wrong. */
async function runToken(
  session: Session,
  deed: (typeof TOKEN_DEEDS)[number],
  name: string | undefined,
  flags: TokenFlags,
): Promise<number> {
  const desk = await session.context.openTokens();
  if (deed === 'list') {
    const listed = await desk.list(flags.file ?? (await configuredFile(session)));
    show(session, listed, listedView);
    return listed.mistakes.length > 0 ? WRONG_FILE : 0;
  }
  const hint = seeHelp('swapctl token');
  if (name === undefined) return fail('usage', 'swapctl token create needs a name for the token', { hint });
  if (!flags.allow) return fail('usage', `--allow is missing: what may ${name} do?`, { hint });
  show(session, desk.create({ name, allow: flags.allow, expires: flags.expires }), createdView);
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

function createdView({ token, line, expires }: CreatedToken, { style }: Page): string[] {
  return [
    `${style.dim('token, shown only now:')}`,
    token,
    '',
    `${style.dim('line for the token file (server.tokens in swapctl.yml):')}`,
    line,
    ...(expires === undefined ? ['', `${style.yellow('!')} this token never expires (--expires 90d sets an end)`] : []),
  ];
}

function listedView({ file, tokens, mistakes }: ListedTokens, page: Page): string[] {
  const { style } = page;
  type Row = ListedTokens['tokens'][number];
  const columns = [
    { title: 'NAME', cell: ({ name }: Row) => name, paint: style.bold },
    { title: 'ALLOW', cell: ({ allow }: Row) => allow.join(','), cut: true },
    { title: 'EXPIRES', cell: ({ expires }: Row) => expires ?? 'never' },
    {
      title: 'STATE',
      cell: ({ state }: Row) => state,
      paint: (text: string, { state }: Row) => (state === 'valid' ? style.green : style.red)(text),
    },
  ];
  const wrong = mistakes.map(({ line, message }) => `${style.red('✘')} ${file}:${line}: ${message}`);
  return [...(tokens.length > 0 ? table(tokens, columns, page) : [style.dim(`${file} has no tokens`)]), ...wrong];
}
