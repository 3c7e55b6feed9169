/** A process that watches the home it is told, and says its first state and its first hint. */
import { defaultSelection } from '../../../engine/canon/selection.ts'
import { HomeWatch } from '../../../engine/canon/watch.ts'
import { openDisk } from '../../../engine/disk/real.ts'
import { systemClock } from '../../../engine/env/system.ts'

let heard = () => {}
const hint = new Promise<void>((resolve) => {
  heard = resolve
})
const watch = new HomeWatch({
  disk: await openDisk(),
  clock: systemClock,
  home: process.argv[2] ?? '',
  selection: defaultSelection,
  onHint: () => heard(),
})
await watch.open()
console.log(watch.state.kind, watch.state.kind === 'polling' ? watch.state.why : '')
// The heartbeat alone does not keep a process alive; serve has its sockets for that.
const alive = setInterval(() => {}, 1000)
await hint
console.log('hint')
clearInterval(alive)
await watch.close()
