/** The script for PowerShell 5.1 and later, for a profile. */
import { version } from '../../schemas/version.ts'
import type { Offer, Place } from './grammar.ts'
import { repeating, sources } from './script.ts'

/** PowerShell takes curly quotation marks for straight ones. */
const quote = (text: string): string => `'${text.replace(/['\u2018\u2019\u201a\u201b]/g, '$&$&')}'`
const described = (offers: readonly Offer[]): string =>
  `[ordered]@{ ${offers.map(({ word, about }) => `${quote(word)} = ${quote(about)}`).join('; ')} }`

export const powershellScript = (places: readonly Place[]): string => `\
# stemma ${version}: what PowerShell completes, as \`stemma completions powershell\` prints it.

Register-ArgumentCompleter -Native -CommandName stemma -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)

  $places = @{
${places.map(placeLine).join('\n')}
  }
  $sources = @{
${sources(places)
  .map(({ path, slot, source }) => `    ${quote(`${path} ${slot}`)} = ${quote(source)}`)
  .join('\n')}
  }
  $repeating = @(${repeating(places).map(quote).join(', ')})

  $place = ''
  $option = ''
  $ended = $false
  $given = @()
  $count = 0
  $typed = @($commandAst.CommandElements | Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  foreach ($word in $typed) {
    if ($ended) { $count++ }
    elseif ($option) { $option = '' }
    elseif ($word -ceq '--') { $ended = $true }
    elseif ($places[$place].options.Contains($word)) {
      $option = $word
      if ($repeating -cnotcontains "$place $word") { $given += $word }
    }
    elseif ($word.StartsWith('-')) { $given += $word.Split('=')[0] }
    elseif ($places[$place].words.Contains($word)) { $place = "$place $word".Trim() }
    else { $count++ }
  }

  $before = ''
  if (-not $option -and -not $ended -and $wordToComplete -match '^(--[a-z-]+)=(.*)$') {
    $option = $Matches[1]
    $before = "$option="
    $wordToComplete = $Matches[2]
  }
  $source = ''
  $offers = [ordered]@{}
  if ($option) { $source = $sources["$place $option"] }
  elseif (-not $ended -and $wordToComplete.StartsWith('-')) {
    foreach ($kind in 'flags', 'options') {
      foreach ($pair in $places[$place][$kind].GetEnumerator()) {
        if ($given -cnotcontains $pair.Key) { $offers[$pair.Key] = $pair.Value }
      }
    }
  }
  elseif ($places[$place].words.Count -gt 0) { if ($count -eq 0) { $offers = $places[$place].words } }
  elseif ($sources.ContainsKey("$place $count")) { $source = $sources["$place $count"] }
  else { $source = $sources["$place *"] }

  # Without an answer PowerShell completes files by itself.
  if ($source -eq 'files') { return }
  if ($source -and $source.StartsWith('=')) {
    foreach ($word in $source.Substring(1).Split(' ')) { $offers[$word] = $word }
  }
  elseif ($source) {
    foreach ($word in @(stemma known $source 2>$null)) { if ($word) { $offers[$word] = $word } }
  }
  foreach ($pair in $offers.GetEnumerator()) {
    $word = $pair.Key
    if (-not $word.StartsWith($wordToComplete, [StringComparison]::Ordinal)) { continue }
    $text = "$before$word"
    if ($text -notmatch '^[\\w./=-]+$') { $text = "'" + ($text -replace '[''\\u2018-\\u201b]', '$0$0') + "'" }
    [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $pair.Value)
  }
}
`

const placeLine = ({ path, words, flags, values }: Place): string =>
  `    ${quote(path)} = @{
${Object.entries({ words, flags, options: values })
  .map(([kind, offers]) => `      ${kind} = ${described(offers)}`)
  .join('\n')}
    }`
