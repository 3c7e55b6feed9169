/**
 * Numbers that only the commands of one machine need: how much they say, and how long they wait for other programs. What
 * another machine, a format or the engine is bound by stands in `limits.ts`.
 */
import { applyReserveBytes } from './limits.ts'

const KiB = 1024
const MiB = 1024 * KiB

// --- what serve says ---
/** Lines that one address may cause in a minute, and addresses that have lines of their own; the rest is counted. */
export const heraldLinesMax = 5
export const heraldAddressesMax = 32
/** Warnings of one look at the home: a screen; `stemma master status` has the rest. */
export const warningLinesMax = 10

// --- looks without the lock ---
/** A folder whose owner writes to it meanwhile is looked at this often; then its lock is asked for. */
export const glancesMax = 2

// --- demo ---
/** A child of the demo that says nothing for this long has failed, on a slow disk too. */
export const demoPatienceMs = 60_000
/** Files of the sync that is cut off: enough to be hit in the middle, few enough for a second's work. */
export const demoChapters = 300
/** About 2.5 KiB a file, as skills have. */
export const demoChapterLines = 100
/** How often the demo looks how far that sync is: it replaces a few files a millisecond. */
export const demoLookMs = 1
/** A cut that came too late is tried again this often. */
export const demoCutsMax = 8

// --- services ---
/** One command of a service manager: systemd gives a service 90 s to stop. */
export const serviceStepMs = 120_000
/** A question to one, where the answer can be done without. systemctl itself waits 25 s for a manager that hangs. */
export const serviceAskMs = 5_000
/** `launchctl print` tells everything that it knows about a user. */
export const serviceTextMax = 4 * MiB
/** A master that starts reads its log and looks at the whole home before it says that it serves. */
export const serviceStartMs = 15_000
export const serviceLookMs = 100
/** Shown of what a service manager said. */
export const serviceWordsMax = 300
/** A file of a service, ours or not. */
export const serviceFileBytesMax = 64 * KiB
/**
 * What a service says is put aside when it starts again and has said more than this: weeks of a busy master, a day of one
 * that ends every ten seconds. With the one that was put aside before, twice as much is kept.
 */
export const serviceLogBytesMax = 4 * MiB
/** stemma with everything it needs has about 600 files and 8 MiB. */
export const packageFilesMax = 20_000
export const packageBytesMax = 256 * MiB

// --- doctor ---
/** Below the first people should know, below the second stemma itself stops: what apply keeps free, twice. */
export const diskLowBytes = 256 * MiB
export const diskFullBytes = 2 * applyReserveBytes
/** Clocks this far apart are no matter of a slow answer: it takes seconds. */
export const clockApartMs = 2 * 60_000
/** Watches that other programs of this user have: editors take thousands. */
export const watchesSpare = 1024
/** A Linux with fewer than this many has no room for an editor, a browser and a master. */
export const watchInstancesMin = 16
/** To connect to a master, to be answered, and to find out whether a port of this machine is taken. */
export const doctorDialMs = 3_000
export const doctorPortMs = 1_000
/** What a program may take to say its version; npm's Codex starts Node for it. */
export const versionTimeoutMs = 10_000
/** A folder that changes while it is looked at is looked at again this often. */
export const doctorLooksMax = 3
/** What is mended may bring to light what it hid: modes, then a lock, then an apply. */
export const doctorRoundsMax = 3
/** Named in one finding; the rest are counted. */
export const doctorNamesMax = 3
/** The mounts of one machine, as Linux lists them. */
export const mountsBytesMax = 1 * MiB
