/** The script for zsh: as a file \`_stemma\` on fpath, or read by a start file once compinit has run. */
import { version } from '../../schemas/version.ts'
import type { Offer, Place } from './grammar.ts'
import { repeating, sources } from './script.ts'

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
/** \`word:description\`, as _describe wants it. */
const described = (offers: readonly Offer[]): string =>
  offers.map(({ word, about }) => quote(`${word.replaceAll(':', '\\:')}:${about}`)).join(' ')
const pattern = (path: string, slot: string): string =>
  slot === '*' ? `${quote(`${path} `)}<->` : quote(`${path} ${slot}`)

export const zshScript = (places: readonly Place[]): string => `\
#compdef stemma
# stemma ${version}: what zsh completes, as \`stemma completions zsh\` prints it.

_stemma_place() {
  below=() flags=() values=()
  case $1 in
${places.map(placeLine).join('\n')}
  esac
}

_stemma_source() {
  from=
  case $1 in
${sources(places)
  .map(({ path, slot, source }) => `    (${pattern(path, slot)}) from=${quote(source)} ;;`)
  .join('\n')}
  esac
}

_stemma() {
  local place option ended from word
  local -a below flags values given names
  local -i count=0
  _stemma_place ''
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $ended ]]; then
      count+=1
    elif [[ -n $option ]]; then
      option=
    elif [[ $word == -- ]]; then
      ended=1
    elif (( \${values[(I)\${(b)word}:*]} )); then
      option=$word
      case "$place $word" in
${repeating(places)
  .map((name) => `        (${quote(name)}) ;;`)
  .join('\n')}
        (*) given+=("$word") ;;
      esac
    elif [[ $word == -* ]]; then
      given+=("\${word%%=*}")
    elif (( \${below[(I)\${(b)word}:*]} )); then
      place=\${place:+$place }$word
      _stemma_place "$place"
    else
      count+=1
    fi
  done
  if [[ -z $option && -z $ended && $PREFIX == --*=* ]]; then
    option=\${PREFIX%%=*}
    compset -P 1 '*='
  fi
  if [[ -n $option ]]; then
    _stemma_source "$place $option"
  elif [[ -z $ended && $PREFIX == -* ]]; then
    flags+=("\${(@)values}")
    for word in "\${(@)given}"; do flags=("\${(@)flags:#\${(b)word}:*}"); done
    _describe -o option flags
    return
  elif (( $#below )); then
    (( count )) || _describe command below
    return
  else
    _stemma_source "$place $count"
  fi
  case $from in
    (\\=*) compadd -- \${(s: :)from#=} ;;
    (files) _files ;;
    (?*)
      names=("\${(@f)$(command stemma known $from 2>/dev/null </dev/null)}")
      compadd -- "\${(@)names:#}"
      ;;
  esac
}

(( $+functions[compdef] )) && compdef _stemma stemma
# Read as the function of that name, it completes at once.
if (( \${funcstack[(I)_stemma]} )); then _stemma "$@"; fi
`

const placeLine = ({ path, words, flags, values }: Place): string => {
  const parts = [
    ...(words.length > 0 ? [`below=(${described(words)})`] : []),
    `flags=(${described(flags)})`,
    ...(values.length > 0 ? [`values=(${described(values)})`] : []),
  ]
  return `    (${quote(path)})\n      ${parts.join('\n      ')}\n      ;;`
}
