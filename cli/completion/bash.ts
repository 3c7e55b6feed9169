/** The script for bash 3.2 and later; bash-completion is not needed. Descriptions are not for bash. */
import { version } from '../../schemas/version.ts'
import type { Offer, Place } from './grammar.ts'
import { repeating, sources } from './script.ts'

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
const words = (offers: readonly Offer[]): string => quote(offers.map(({ word }) => word).join(' '))
/** A pattern of `case`: quoted but for a number that may be any. */
const pattern = (path: string, slot: string): string =>
  slot === '*' ? `${quote(`${path} `)}[0-9]*` : quote(`${path} ${slot}`)

export const bashScript = (places: readonly Place[]): string => `\
# stemma ${version}: what bash completes, as \`stemma completions bash\` prints it.

_stemma_place() {
  words='' flags='' values=''
  case $1 in
${places.map(placeLine).join('\n')}
  esac
}

_stemma_source() {
  case $1 in
${sources(places)
  .map(({ path, slot, source }) => `    ${pattern(path, slot)}) source=${quote(source)} ;;`)
  .join('\n')}
    *) source='' ;;
  esac
}

_stemma_offer() {
  local word
  for word in $1; do
    [[ $word == "$cur"* && " $given " != *" $word "* ]] && COMPREPLY+=("$word")
  done
}

_stemma() {
  local IFS=$' \\t\\n' cur=\${COMP_WORDS[COMP_CWORD]} place='' option='' ended='' given='' count=0
  local words flags values source word quoted i
  COMPREPLY=()
  _stemma_place ''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $ended ]]; then
      count=$((count + 1))
    elif [[ -n $option ]]; then
      # bash breaks --take=local at the sign.
      [[ $word == '=' ]] || option=''
    elif [[ $word == -- ]]; then
      ended=1
    elif [[ " $values " == *" $word "* ]]; then
      option=$word
      case "$place $word" in
${repeating(places)
  .map((name) => `        ${quote(name)}) ;;`)
  .join('\n')}
        *) given="$given $word" ;;
      esac
    elif [[ $word == -* ]]; then
      given="$given $word"
    elif [[ " $words " == *" $word "* ]]; then
      place="\${place:+$place }$word"
      _stemma_place "$place"
    else
      count=$((count + 1))
    fi
  done
  [[ -n $option && $cur == '=' ]] && cur=''
  if [[ -n $option ]]; then
    _stemma_source "$place $option"
  elif [[ -z $ended && $cur == -* ]]; then
    _stemma_offer "$flags $values"
    return 0
  elif [[ -n $words ]]; then
    [[ $count == 0 ]] && _stemma_offer "$words"
    return 0
  else
    _stemma_source "$place $count"
  fi
  case $source in
    =*)
      given=''
      _stemma_offer "\${source#=}"
      ;;
    files)
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$cur")
      ;;
    ?*)
      while IFS= read -r word; do
        printf -v quoted %q "$word"
        [[ $quoted == "$cur"* ]] && COMPREPLY+=("$quoted")
      done < <(command stemma known "$source" 2>/dev/null </dev/null)
      ;;
  esac
  return 0
}

complete -F _stemma stemma
`

const placeLine = ({ path, words: below, flags, values }: Place): string => {
  const parts = [
    ...(below.length > 0 ? [`words=${words(below)}`] : []),
    `flags=${words(flags)}`,
    ...(values.length > 0 ? [`values=${words(values)}`] : []),
  ]
  return `    ${quote(path)}) ${parts.join(' ')} ;;`
}
