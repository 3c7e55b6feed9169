/**
 * Every bound of the system, each with its reason. Units are the last word of a name.
 * A bound that is part of a format (marked "format") may only change with a new format or fold version.
 */
const KiB = 1024
const MiB = 1024 * KiB

// --- paths (format) ---
/** NTFS and ext4 stop a name at 255; 120 bytes leaves room for temporary suffixes and any encoding. */
export const pathSegmentBytesMax = 120
/** Windows refuses 260 UTF-16 units in all by default; deeper homes than 16 do not exist in practice. */
export const pathSegmentsMax = 16
export const pathBytesMax = 512

// --- canonical home ---
/** Links that lead to one home, each to the next: as many as Linux follows. */
export const linkHopsMax = 40
/** The largest file that travels. Streamed everywhere, so it bounds disk and time, not memory. */
export const fileBytesMax = 64 * MiB
/** The largest secret file: sealed and opened in memory. Real ones are a few KiB. */
export const secretBytesMax = 1 * MiB
/** Secret files of one home; their wraps stay one blob of about 150 KiB. */
export const secretsMax = 1000
/** The master's own record of its secrets: about 250 bytes a secret. */
export const vaultBytesMax = 1 * MiB
/** What composing remembers: canonical texts of a few config files. */
export const composedBytesMax = 16 * MiB
/** More files than this in one home is a mistake (a checkout inside skills/), not a home. */
export const filesMax = 100_000
/** Include, exclude and link rules are each read on every scan. */
export const selectionRulesMax = 256
/** Of this many files more than half gone at once is an accident more often than a wish; of fewer, all of them. */
export const lossFilesMin = 20
/** What goes within this long counts as gone at once: removing many files on a slow disk takes a while. */
export const lossWindowMs = 60_000
/** Named in the sentence about it; the rest are counted. */
export const lossNamesMax = 3
/** Warnings kept and shown of one scan; the rest are counted. */
export const warningsMax = 200

// --- log (format) ---
/** One entry, whole. The largest body is a charter, a grant or a selection, all far below. */
export const entryBytesMax = 64 * KiB
/** One batch is held in memory by writer and reader alike until its head is verified. */
export const batchEntriesMax = 4096
export const batchBytesMax = 8 * MiB
/** A base is read row by row; one part fits a frame with room to spare. */
export const basePartBytesMax = 256 * KiB
/** Facts that a master puts into one batch: 1,000 of the longest paths stay below `batchBytesMax`. */
export const draftEntriesMax = 1000
/** All parts of one base together: 100,000 files at about 180 bytes, doubled, and room for checkpoints. */
export const baseBytesMax = 128 * MiB
/** A checkpoint (seq, hash) is kept for every 256th entry. */
export const checkpointEveryEntries = 256
/** Rotations of one log; a longer chain is a loop or an attack. */
export const keyRotationsMax = 256
/** A new segment is started beyond this size, so that a damaged disk block costs one segment. */
export const segmentBytesMax = 64 * MiB
/** Compaction keeps at least this much history before the newest base. */
export const retainEntriesMin = 4096
/** Of what was appended last, kept in memory for followers that are level. */
export const recentBytesMax = 1 * MiB
export const recentRecordsMax = 8192

// --- keys ---
/** Imported public keys kept ready: a verifier meets one log's history of keys, seldom more than a few at once. */
export const verifiersMax = 64
/** A key file is three short lines; more is something else. */
export const keyFileBytesMax = 1024

// --- followers ---
/** Enrolled followers: bounds what an open master can be made to store. */
export const followersMax = 1000
/** Enrolments that wait for approval, in all and per address. */
export const pendingMax = 64
export const pendingPerAddressMax = 4
/** Enrolments that one address may cause in an hour on an open master, and addresses that are remembered for it. */
export const enrolmentsPerAddressHourMax = 16
export const enrolmentAddressesMax = 1000
export const nameBytesMax = 64
/** Of an id, to name a follower by: fewer are typed by accident, and found in a name. */
export const idLettersMin = 8

/** Findings kept as evidence; a peer that provokes more of them adds nothing. */
export const evidenceMax = 64
/** Entry hashes of recent heads that a master keeps at hand to compare with what followers hold. */
export const recentHeadsMax = 1024

// --- msgpack from outside ---
/** Deepest legal message: frame > rows > row > body > rule list. */
export const msgpackDepthMax = 8
/** Values in one frame: a full base part of the smallest rows stays below. */
export const msgpackItemsMax = 65_536

// --- link ---
/** `ws` maxPayload. The largest legal frame is a blob or base part plus its envelope. */
export const frameBytesMax = 1 * MiB
/** File content in one frame. */
export const blobPartBytesMax = 256 * KiB
/**
 * What is sent in one, contents or records, and what of it may wait to be sent before more is given to a socket: Node
 * keeps a buffer as large as the largest write of a TLS link for as long as that lives (half a MiB, without these).
 */
export const sentBytesTarget = 32 * KiB
export const unsentBytesMax = 32 * KiB
/** Blob hashes in one `need`. */
export const needHashesMax = 1024
/** Unacknowledged data on one link, both ways. */
export const creditEntries = 256
export const creditBytes = 1 * MiB
/** A follower stores what it was sent whenever this much is gathered and signed. */
export const runBytesMax = 4 * MiB
/** Or whenever there are this many of them: the smallest that could be real would fill `runBytesMax` with more. */
export const runRecordsMax = 65_536
/** Messages that a follower keeps while it waits for file contents; more is no honest master's. */
export const laterMax = 1024
/** The longest tail that a master takes back after a restore; it is verified as a whole. */
export const recallBytesMax = 64 * MiB
/** Entries and heads in it: each costs memory beside its bytes. */
export const recallRecordsMax = 131_072
/** And the longest that it may take, whatever the other side sends: nothing is published meanwhile. */
export const recallTimeoutMs = 5 * 60_000
/** Asks for contents that wait on one link; an honest side has two open. */
export const asksWaitingMax = 4
/** Contents that are being made durable at once: syncs share commits of the disk's journal; memory is a piece each. */
export const putsAtOnceMax = 32
/** The answer to a peek: a few headers and 211 bytes. */
export const peekBytesMax = 2 * KiB
/** What the session hook reads first. */
export const cardBytesMax = 4 * KiB
/** To connect, to be answered, and for whoever starts or ends a session to wait in all; then work goes on by itself. */
export const hookConnectMs = 800
export const hookCheckMs = 1_500
export const hookSyncMs = 2_000
/** After a master was not reachable nobody waits for it, and it is asked again this often, by a process of its own. */
export const hookAwayMs = 60_000
/** How often the end of a session looks whether the work that its start began is done. */
export const hookLookMs = 20
/** Until then it waits itself, without a command: the one question to the master takes less on most ways. */
export const hookGraceMs = 150
/** One number. */
export const awayBytesMax = 64
/** What Codex tells a hook: ids, paths, and nothing that a user wrote. */
export const hookPayloadBytesMax = 64 * KiB
/**
 * Connections whose other end is not known to be an enrolled follower, in all and per address. One that comes beyond
 * the first takes the place of the oldest from where most of them come.
 */
export const strangersMax = 256
export const strangersPerAddressMax = 16
/** Of that many from one address the oldest goes for a newcomer, once it has said nothing for this long. */
export const strangerIdleMs = 500
/** Links of enrolled followers: each that may be enrolled, and some of them twice. */
export const membersMax = 1024
/** From one address: a hundred machines may share that of a router. */
export const membersPerAddressMax = 128
/** Of one follower: a watcher, a hook and a command at once, and one that is dead without a sign. The oldest has to go. */
export const membersPerNodeMax = 4
/**
 * What a stranger may say on a link, pings and pongs apart: its hello has 400 bytes. It bounds as well the part of a
 * frame that each of them can make the master hold.
 */
export const strangerBytesMax = 4 * KiB
export const handshakeTimeoutMs = 10_000
export const helloTimeoutMs = 10_000
/** A closing handshake that takes longer is cut: the other side is gone or unwilling. */
export const closeTimeoutMs = 2_000
/** A peer that is turned away is given this long to read the one alert that says so. */
export const turnAwayMs = 1_000
/** One address of a name is tried this long before the next: a relayed tailnet path needs more than Node's 250 ms. */
export const familyAttemptMs = 2_000
export const familyAttemptMinMs = 100
/** How often another free port is tried when the one that is free in one family is taken in the other. */
export const portTriesMax = 8
/** The upgrade request: ours has six headers of 300 bytes in all. */
export const headerBytesMax = 4 * KiB
export const headersMax = 32
/** Fragments of one frame: ours come whole, others may cut them a little. */
export const fragmentsMax = 16
/** Pieces in which TLS may deliver one frame: 64 of 16 KiB when the sender is honest. */
export const chunksMax = 1024
/** Pings and pongs from a peer in one `pingEveryMs`; an honest one sends two. */
export const controlFramesMax = 32
/** Frames that arrived and were not yet read: beyond either bound the socket is no longer read. */
export const queuedFramesMax = 64
export const queuedBytesMax = 256 * KiB
/** What must arrive between two pings for a frame to count as under way: a trickle is no sign of life. */
export const lifeBytesMin = 1 * KiB
/** Ping this often; two missed and the link is dead. */
export const pingEveryMs = 10_000
export const pingMissedMax = 2
/** A reader that owes an acknowledgement this long is dropped. */
export const stallTimeoutMs = 30_000

// --- freshness ---
/** An idle master re-signs its head this often, so that silence can be told from a freeze. */
export const idleHeadEveryMs = 5 * 60_000

// --- apply ---
/** Backups kept, by count and by total size; the newest one is always kept. */
export const backupsMax = 20
export const backupBytesMax = 512 * MiB
/** Windows: another process may hold a file open for a moment. */
export const busyRetriesMax = 10
export const busyTotalMs = 2_000
/** Looks at the home, and contents on their way to it, at one time: syncs share commits of the disk's journal. */
export const lookParallel = 32
export const stageParallel = 32
/** Plans in one apply: a file that changes at every look is left for the next run. */
export const applyRoundsMax = 5
/** Kept free beside what apply itself writes, so that Codex does not run into a full disk. */
export const applyReserveBytes = 8 * MiB

// --- Codex at work ---
/** Instructions, skills and another login wait for the end of a session, but no longer than this (S10). */
export const stagedMaxMs = 12 * 60 * 60_000
/** The arguments and the environment of one process, and the table of all file locks: Linux allows 6 MiB for the first. */
export const processFileBytesMax = 8 * MiB

// --- settings files ---
/** One file: 256 rules of the longest path, and comments. */
export const settingsBytesMax = 512 * KiB

// --- config.toml and profiles ---
/** One TOML text that is merged or edited: twenty thousand lines, far beyond any that people or Codex wrote. */
export const tomlBytesMax = 1 * MiB
/** Tables in tables: Codex's own deepest key has six names. Recursion over what a peer sent needs a bound. */
export const tomlDepthMax = 64
/** Logins and hooks.json need a few levels; whoever walks them recurses. */
export const jsonDepthMax = 64

// --- control channel and writer lock ---
/** One request: the longest names a follower. */
export const controlLineBytesMax = 64 * KiB
/** One answer: the longest lists 1,000 followers, or a scan's warnings. */
export const controlAnswerBytesMax = 4 * MiB
/** How long a request may take to arrive, and an answer to be made. */
export const controlTimeoutMs = 30_000
/** Clients of one owner at once; all are programs of the same user. */
export const controlClientsMax = 16
/** The room for a socket's path, its end included, is 104 bytes on macOS and 108 on Linux. */
export const socketPathBytesMax = 103
/** A living process answers "who are you" within this, even on a machine with far too much to do. */
export const lockWhoTimeoutMs = 5_000
/** How long processes that start together may take to agree who writes, and the pause between two looks. */
export const lockClaimMs = 15_000
export const lockPauseMs = 20
/** How soon an owner learns that its socket was removed. */
export const lockCheckEveryMs = 60_000

// --- disk and clock ---
/** Reads and writes up to this size run on the loop: copying them costs less than a trip through the thread pool. */
export const inlineBytesMax = 8 * KiB
/** Node's timers overflow beyond 2^31 - 1 ms and then fire at once. */
export const delayMsMax = 2 ** 31 - 1

/** Work shorter than this is not worth a line; one that moves faster than this cannot be read. */
export const progressAfterMs = 500
export const progressEveryMs = 125
/** Names that a shell asks for at a Tab: later they are of no use. */
export const knownTimeoutMs = 1_000

/** A rebuild reads the whole home: 100,000 files on a slow disk. */
export const rebuildTimeoutMs = 10 * 60_000
/** Another command of the same follower is waited for this long, and asked for this often. */
export const lockPatienceMs = 15_000
export const lockRetryMs = 100
/** A command that was lent the folder by a watcher gets it within moments. */
export const lentRetryMs = 10
/** And the watcher asks for it again after this long: a person runs `conflicts`, then `resolve`. */
export const lentMs = 500

// --- a follower that watches ---
/** The word of a watcher counts this long, and is renewed before it ends. */
export const watchingMs = 90_000
export const watchingEveryMs = 30_000
/** A contact that brought nothing is written down this often at most. */
export const contactEveryMs = 60_000
/** A follower that watches looks at all of its home this often at most; in between at what the master changed. */
export const wholeLookEveryMs = 60_000
/** How often a machine looks at its own addresses and its clocks, and what is a sleep and no busy moment. */
export const surroundingsEveryMs = 1_000
export const sleptMs = 4_000
/**
 * Time for a name that is long in coming, a slow way, a lost packet; and longer than the three seconds for which Linux
 * asks for a neighbour on the same cable: its answer ends an attempt, and the next one asks anew at once. A connect is
 * begun this often meanwhile, a whole number of times: a fresh one meets the network's return, and takes a round trip.
 */
export const watchDialMs = 3_600
export const watchRedialMs = 600
/** A watcher asks for a sign of life this often, and takes none until the next one for a loss. */
export const watchPingMs = 4_000
/** From there on, to a link that is past its hello. */
export const watchHelloMs = 15_000
/** After the first loss (a restart, mostly), while it is new, and from `retryQuicklyForMs` on. */
export const retrySoonMs = 500
export const retryQuickMs = 700
export const retryQuicklyForMs = 10 * 60_000
export const retryPatientMs = 5_000
/**
 * A link that stood for less was a brief one. As long as the patient pause: one that breaks a little later is not begun
 * more often than that either. After so many brief ones in a row a master is tried as rarely as one that is away.
 */
export const goodLinkMs = 5_000
export const briefLinksMax = 8
/** A master that was not believed, or that did not believe this machine. */
export const retryRefusedMs = 60_000
/** How often it looks whether a session for which something waits is over, where no hook tells (S10). */
export const stagedLookMs = 15_000
/** One small JSON object. */
export const contactBytesMax = 8 * KiB
/** Of a sentence in it: two fingerprints and some words. In JSON a letter takes up to six bytes. */
export const troubleLettersMax = 1000
/** How long a whole contact with the master may take, by default and at most. */
export const syncTimeoutMs = 60_000
export const joinTimeoutMs = 10 * 60_000
export const timeoutMsMax = 24 * 60 * 60_000

// --- watcher ---
/** Quiet time before a scan (an editor writes, renames and sets modes within milliseconds), and the longest wait for it. */
export const settleMs = 30
export const settleMaxMs = 400
/** A full scan this often: events are hints, the scan decides. */
export const fullScanEveryMs = 60_000
/** A large home is scanned less often, so that what nobody asked for takes one part in 500 of a processor (0.2 %). */
export const fullScanRest = 500
export const fullScanMaxMs = 10 * 60_000
/** Where a change is believed to be is looked at first, and the whole home this long after. */
export const fullAfterMs = 5_000
/** Where more has changed than this, the whole home is looked at: a checkout of another branch. */
export const changedMax = 256
/** A file whose mtime is this close to the scan may change again within one timestamp tick: hash it again. */
export const racyWindowMs = 2_000
/** Files read at one time by a scan: enough to overlap their syncs, few enough to keep memory flat. */
export const readsAtOnceMax = 8
/** A file that changes while it is read is read again this often; then it is taken as read. */
export const readTriesMax = 3
/** Where the system gives no hints (its watches are used up) the home is scanned this often. */
export const pollEveryMs = 3_000
/** Without hints, watching is tried again this often: watches may have become free. */
export const rewatchEveryMs = 60_000
/** The home may be moved away and another put in its place, which no watch tells: look this often. */
export const homeCheckEveryMs = 2_000
/** A scan that asks for another is answered after this long at most, doubling from `settleMs`. */
export const againMaxMs = 5_000
/** Default port of a master (S16). */
export const defaultPort = 17342

// --- differences that are shown ---
/** Each side: what people compare by eye is far smaller. */
export const diffBytesMax = 1 * MiB
/** Lines added and removed beyond which two texts count as different as a whole: the work grows with its square. */
export const diffEditsMax = 1000
/** Equal lines around a change, as diff has it. */
export const diffContextLines = 3
/** Lines of one difference: some screens; whoever wants more has the files. */
export const diffLinesMax = 400
/** Letters of one line of it: a line may be a whole minified file. */
export const diffLineLettersMax = 500
