# stemma VERSION: what PowerShell completes, as `stemma completions powershell` prints it.

Register-ArgumentCompleter -Native -CommandName stemma -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)

  $places = @{
    '' = @{
      words = [ordered]@{ 'master' = 'serve, status'; 'status' = 'Say how this machine is'; 'resolve' = 'Settle a conflict'; 'paint' = 'Take one of few words'; 'wait' = 'Serves until it is stopped'; 'ask' = 'Asks a question'; 'fail' = 'never, late, fault, refusal, bug' }
      flags = [ordered]@{ '--help' = 'explain the command'; '--json' = 'one JSON object on standard output'; '--version' = 'the version' }
      options = [ordered]@{  }
    }
    'master' = @{
      words = [ordered]@{ 'serve' = 'Publish every change of this Codex home to its followers'; 'status' = 'Say how this master is' }
      flags = [ordered]@{ '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'fail' = @{
      words = [ordered]@{ 'never' = 'Never ends'; 'late' = 'Fails where nobody waits'; 'fault' = 'Ends with a fault'; 'refusal' = 'Ends with a refusal'; 'bug' = 'Ends with a bug' }
      flags = [ordered]@{ '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'master serve' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--no-watch' = 'Publish only when told to'; '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{ '--port' = 'Listen on this port; 0 takes a free one'; '--allow' = 'Let peers outside the tailnet in, such as 192.168.0.0/16; may be given more than once'; '--take' = 'Whose version counts'; '--fingerprint' = 'The fingerprint of the master' }
    }
    'master status' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'status' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'resolve' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'paint' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'wait' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'ask' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'fail never' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'fail late' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'fail fault' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'fail refusal' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
    'fail bug' = @{
      words = [ordered]@{  }
      flags = [ordered]@{ '--json' = 'one JSON object on standard output'; '--help' = 'explain the command' }
      options = [ordered]@{  }
    }
  }
  $sources = @{
    'master serve --take' = '=canonical local'
    'resolve 0' = 'files'
    'resolve *' = ''
    'paint 0' = '=red blue'
  }
  $repeating = @('master serve --allow')

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
    if ($text -notmatch '^[\w./=-]+$') { $text = "'" + ($text -replace '[''\u2018-\u201b]', '$0$0') + "'" }
    [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $pair.Value)
  }
}
