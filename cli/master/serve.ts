/**
 * `master serve`: the home is watched and published, followers are served, commands are answered, until a signal.
 * Always holds: it accepts before it says that it listens, and the first look is published before that; whatever
 * ends it closes the listener, the watch and every link before the lock is released.
 */
import { Publisher } from '../../engine/canon/publisher.ts'
import { HomeWatch } from '../../engine/canon/watch.ts'
import { signingKeyPair } from '../../engine/keys/keys.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { idleHeadEveryMs } from '../../schemas/limits.ts'
import type { Lock } from '../../transport/control/lock.ts'
import { mintIdentity } from '../../transport/identity/cert.ts'
import { createPeerRules } from '../../transport/identity/peer.ts'
import { host as hostLink } from '../../transport/link/host.ts'
import { listen } from '../../transport/link/listen.ts'
