/** The script for fish. */
import { version } from '../../schemas/version.ts'
import type { Offer, Place } from './grammar.ts'
import { repeating, sources } from './script.ts'

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
/** Pairs of a word and its description. */
const described = (offers: readonly Offer[]): string =>
  offers.map(({ word, about }) => `${quote(word)} ${quote(about)}`).join(' ')

export const fishScript = (places: readonly Place[]): string => `\
# stemma ${version}: what fish completes, as \`stemma completions fish\` prints it.

# Word and description, by turns: of the words, the flags or the values that may come at a place.
function __stemma_place
    switch "$argv[1] $argv[2]"
${places.flatMap(placeLines).join('\n')}
    end
end

function __stemma_source
    switch $argv[1]
${sources(places)
  .map(
    ({ path, slot, source }) => `        case ${quote(`${path} ${slot}`)}\n            echo ${quote(source)}`,
  )
  .join('\n')}
    end
end

function __stemma_words
    set -l pairs (__stemma_place $argv)
    for at in (seq 1 2 (count $pairs))
        echo $pairs[$at]
    end
end

# Prints what a place has, but for what was given already.
function __stemma_offer
    set -l pairs (__stemma_place $argv[1 2])
    for at in (seq 1 2 (count $pairs))
        contains -- $pairs[$at] $argv[3..]; or printf '%s\\t%s\\n' $pairs[$at] $pairs[(math $at + 1)]
    end
end

function __stemma_complete
    set -l typed (commandline -opc)
    set -l current (commandline -ct)
    set -l place ''
    set -l option ''
    set -l ended ''
    set -l before ''
    set -l given
    set -l count 0
    for word in $typed[2..]
        if test -n "$ended"
            set count (math $count + 1)
        else if test -n "$option"
            set option ''
        else if test "x$word" = x--
            set ended 1
        else if contains -- $word (__stemma_words values "$place")
            set option $word
            contains -- "$place $word" ${repeating(places).map(quote).join(' ')}
            or set -a given $word
        else if string match -q -- '-*' $word
            set -a given (string replace -r '=.*' '' -- $word)
        else if contains -- $word (__stemma_words words "$place")
            set place (string trim -- "$place $word")
        else
            set count (math $count + 1)
        end
    end
    if test -z "$option$ended"; and string match -q -- '--*=*' $current
        set option (string replace -r '=.*' '' -- $current)
        set before "$option="
    end
    set -l source
    set -l below (__stemma_words words "$place")
    if test -n "$option"
        set source (__stemma_source "$place $option")
    else if test -z "$ended"; and string match -q -- '-*' $current
        __stemma_offer flags "$place" $given
        __stemma_offer values "$place" $given
        return
    else if test -n "$below"
        test $count = 0; and __stemma_offer words "$place"
        return
    else
        set source (__stemma_source "$place $count")
    end
    switch "$source"
        case '=*'
            printf '%s\\n' $before(string split ' ' -- (string sub -s 2 -- $source))
        case files
            __fish_complete_path (string replace -- "$before" '' $current)
        case '?*'
            printf '%s\\n' $before(command stemma known $source 2>/dev/null </dev/null)
    end
end

complete -c stemma -f -a '(__stemma_complete)'
`

function placeLines({ path, words, flags, values }: Place): readonly string[] {
  const kinds = Object.entries({ words, flags, values }).filter(([, offers]) => offers.length > 0)
  return kinds.map(
    ([kind, offers]) =>
      `        case ${quote(`${kind} ${path}`)}\n            printf '%s\\n' ${described(offers)}`,
  )
}
