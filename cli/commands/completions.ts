/** `completions`: prints the script with which a shell completes the words of `stemma`. */
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { bashScript } from '../completion/bash.ts'
import { fishScript } from '../completion/fish.ts'
import { grammarOf, type Place } from '../completion/grammar.ts'
import { powershellScript } from '../completion/powershell.ts'
import { type Shell, shells } from '../completion/script.ts'
import { zshScript } from '../completion/zsh.ts'
import { registry } from '../registry.ts'

export const scripts: Readonly<Record<Shell, (places: readonly Place[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
  powershell: powershellScript,
}

export const command = define({
  args: ['SHELL'],
  options: {},
  known: { SHELL: shells },
  answers: false,
  about: [
    'SHELL is bash, zsh, fish or powershell. The script holds every command and option of this version; it asks ' +
      'stemma only for names: of followers at `master approve` and `revoke`, of conflicts at `resolve`.',
    'Read at the first Tab it costs no start of a shell anything, and is never older than stemma. In bash with ' +
      'bash-completion: `eval "$(stemma completions bash)"` in ~/.local/share/bash-completion/completions/stemma.',
    'In zsh: a file _stemma in a folder on fpath, with the lines `#compdef stemma` and `eval "$(stemma completions zsh)"`.',
    'In fish: `stemma completions fish | source` in ~/.config/fish/completions/stemma.fish.',
    '`stemma completions powershell | Out-String | Invoke-Expression` goes into $PROFILE.',
  ],
  examples: ['completions bash', 'completions zsh', 'completions fish', 'completions powershell'],
  async run({ out }, [word]) {
    const shell = shells.find((one) => one === word)
    const script = shell ? scripts[shell](await grammarOf(registry)) : ''
    for (const line of script.trimEnd().split('\n')) out.line(line)
    return exitCodes.done
  },
})
