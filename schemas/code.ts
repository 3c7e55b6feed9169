/**
 * The closed list of error codes. Each has an exit code and a hint: what the person should do next.
 * A message says what happened and why; the hint is printed on the line below it.
 * Exit codes: 0 done, 1 failed, 2 usage, 3 conflicts, 4 trust, 5 unreachable, 6 damaged.
 */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  conflicts: 3,
  trust: 4,
  unreachable: 5,
  damaged: 6,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

type CodeFacts = { readonly exit: ExitCode; readonly hint: string }
const fact = (exit: keyof typeof exitCodes, hint: string): CodeFacts => ({ exit: exitCodes[exit], hint })

export const codes = {
  // --- how the command was called ---
  usage: fact('usage', 'Run `stemma --help`, or `stemma COMMAND --help`, for the right form.'),
  'bad-link': fact(
    'usage',
    'Copy it whole, and put it in quotes; `stemma master link` prints it on the master.',
  ),
  'bad-settings': fact(
    'usage',
    'Correct the named line of the file, or remove the file to return to the defaults.',
  ),
  'bad-local': fact(
    'usage',
    'Correct the named line of the file. Do not remove it: it says what this machine is, and which master it follows.',
  ),
  'no-conflict': fact('usage', 'List them with `stemma conflicts`.'),
  'not-initialised': fact(
    'failed',
    'On the machine whose Codex home is the original run `stemma master init`; on the others `stemma follower join LINK`.',
  ),
  'wrong-role': fact('failed', 'Run this on the other machine, or choose another folder with STEMMA_HOME.'),
  'already-initialised': fact(
    'failed',
    'Use what is there (`stemma status`), or choose another folder with STEMMA_HOME.',
  ),
  'home-missing': fact(
    'failed',
    'Start Codex once so that it makes its home, or point CODEX_HOME at the right folder.',
  ),
  'other-home': fact(
    'failed',
    'Set CODEX_HOME to the home of this folder, or STEMMA_HOME to the folder of the other home. When the home was moved: change the line `home` in local.toml of this folder.',
  ),
  'home-taken': fact(
    'failed',
    'Choose a Codex home of its own with CODEX_HOME, or use the folder that keeps this one with STEMMA_HOME.',
  ),
  'files-gone': fact(
    'failed',
    'If they were removed on purpose: `stemma master rebuild --yes`. If not, bring them back (is CODEX_HOME right, is its disk mounted?); it then goes on by itself.',
  ),
  locked: fact(
    'failed',
    'Let the other process finish or stop it; only one may write to a stemma folder at a time.',
  ),
  'unknown-follower': fact(
    'usage',
    'List them with `stemma master followers` and use the id or name shown there.',
  ),
  'codex-missing': fact('failed', 'Install Codex, or put the folder that holds it on PATH.'),
  'not-ours': fact('failed', 'Look at the named file; move it away if it is no longer needed.'),
  'no-service-manager': fact(
    'failed',
    'Start that command yourself, from a terminal that stays (tmux), cron (`@reboot`) or the start files of this system: stemma needs no service.',
  ),
  'service-failed': fact(
    'failed',
    'Run `stemma master install --print` (or `follower`): it shows every file and command, so that each can be tried by hand.',
  ),
  declined: fact('failed', 'Run it again when you have decided; `--yes` answers without a question.'),
  interrupted: fact('failed', 'Run the command again; it goes on from where it stopped.'),
  'demo-failed': fact(
    'failed',
    'Run `stemma demo --keep`, look into the scratch folder that it names, and report what you find.',
  ),
  'too-many': fact('failed', 'Remove what is no longer needed and try again.'),

  // --- disk ---
  'disk-full': fact(
    'failed',
    'Free some space on that disk; nothing that was acknowledged is lost, and the next run goes on.',
  ),
  'disk-denied': fact('failed', 'Give your user permission for that path (stemma never needs root).'),
  'disk-busy': fact('failed', 'Close the program that holds the file open, then run the command again.'),
  'disk-io': fact('damaged', 'Check the disk (its cable, its file system); then run the command again.'),
  'disk-missing': fact(
    'failed',
    'Something removed that path while stemma was at work; run the command again.',
  ),

  // --- what is stored ---
  'log-damaged': fact(
    'damaged',
    'The log is kept read-only as it is. Restore the stemma folder from a backup, and let a follower bring it up to date; do not delete it.',
  ),
  'copy-damaged': fact(
    'damaged',
    'Nothing of your Codex home is lost: run `stemma follower leave`, then join again for a fresh copy.',
  ),
  'log-poisoned': fact(
    'failed',
    'The disk refused to make data durable. Start stemma again: it recovers to the last durable entry.',
  ),
  'blob-damaged': fact('damaged', 'The damaged copy was set aside; the next sync fetches it again.'),
  incomplete: fact('unreachable', 'Run `stemma sync` when the master can be reached; it fetches the rest.'),
  'keys-damaged': fact(
    'damaged',
    'Restore the keys folder from a backup; without it this machine cannot prove who it is. A follower that has none runs `stemma follower leave` and joins again, as a new machine.',
  ),
  'keys-exposed': fact(
    'trust',
    'Run `chmod 700` on the keys folder and `chmod 600` on each file in it. If somebody else may have read them, make new keys.',
  ),
  'state-mismatch': fact(
    'damaged',
    'Keep the folder for a report. `stemma follower leave` and a new join start afresh.',
  ),
  'ledger-damaged': fact(
    'damaged',
    'Move the named file aside and run `stemma sync`: local files are then compared anew.',
  ),
  'upgrade-needed': fact('failed', 'Upgrade stemma on this machine; it goes on from where it stopped.'),
  refused: fact('failed', 'The entry is against the rules of the log; nothing of it was stored.'),

  // --- trust ---
  'pin-mismatch': fact(
    'trust',
    'If you replaced the master yourself: join with its new link (`stemma master link` there). If not, somebody is impersonating it.',
  ),
  'other-key': fact(
    'trust',
    'Compare the link with what `stemma master link` prints there now: an old or mistyped one is likelier than somebody who impersonates the master. Nothing was stored.',
  ),
  rollback: fact(
    'trust',
    'The master has lost history that this machine has. If it was restored on purpose and cannot recover: `stemma trust reset`, then join again.',
  ),
  fork: fact(
    'trust',
    'Two different histories carry the same signature. The evidence is kept; nothing was applied. Find out which master is genuine before `stemma trust reset`.',
  ),
  'other-log': fact(
    'trust',
    'The master has a new log. If you started it anew yourself: `stemma trust reset`, then join again.',
  ),
  'bad-signature': fact(
    'trust',
    'Nothing was stored or applied. If it happens again, somebody is altering the data.',
  ),
  revoked: fact('trust', 'Ask the owner of the master; a revoked machine cannot enrol again by itself.'),
  'peer-refused': fact(
    'trust',
    'Connect over the tailnet, or start the master with `--allow CIDR` for this address.',
  ),

  // --- config.toml ---
  'bad-config': fact(
    'failed',
    'Correct the named line of the file; Codex itself would not start with it as it is.',
  ),

  // --- link ---
  waiting: fact(
    'unreachable',
    'Run the command again, and have this machine approved on the master (`stemma master approve`) while it waits: it is listed there only meanwhile.',
  ),
  unreachable: fact(
    'unreachable',
    'Check that the master runs (`stemma master serve`) and that both machines are on the tailnet.',
  ),
  'timed-out': fact('unreachable', 'Try again; if it stays slow, raise `--timeout`.'),
  protocol: fact(
    'failed',
    'The other side sent something this version does not accept; run the same version of stemma on both.',
  ),
  'not-a-master': fact(
    'failed',
    'Compare host and port with those that `stemma master link` prints on the master.',
  ),
  'port-in-use': fact('failed', 'Choose another with `--port`, or stop the program that uses it.'),
  'port-denied': fact(
    'failed',
    'Choose another port, from 1024 on, with `--port`; followers then need a new link.',
  ),
  'no-address': fact(
    'failed',
    'Start Tailscale on this machine, or name an address with `--host` (or `link.host` in settings.toml); a network that is no tailnet must be let in as well (`master serve --allow`).',
  ),
  'address-unavailable': fact('failed', 'Choose an address of this machine with `--host`.'),

  // --- apply ---
  conflicts: fact(
    'conflicts',
    'See `stemma conflicts`; settle each with `stemma resolve PATH --take canonical|local`.',
  ),
} as const satisfies Record<string, CodeFacts>

export type Code = keyof typeof codes
export const isCode = (value: string): value is Code => Object.hasOwn(codes, value)
