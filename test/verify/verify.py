#!/usr/bin/env python3
"""Check stemma logs: python3 verify.py LOG_FOLDER ... [--json] [--heads all|last]
Open the secrets of one as a follower does: python3 verify.py LOG_FOLDER --seal-key FILE [--blobs FOLDER] [--show PATH]
Check the examples of the document: python3 verify.py --self-test FORMAT.md

Written from docs/FORMAT.md alone, without a look at the program that writes logs. It needs Python 3.9 and
OpenSSL 3, which checks the equation of Ed25519; all else is done here. It reads, and changes nothing.
"""
import argparse
import functools
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import unicodedata
import zlib
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # an isolated Python does not look there by itself
sys.dont_write_bytecode = True
import seals  # noqa: E402

ZERO, MAX, P, L = bytes(32), 2**53 - 1, 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
SMALL_ORDER = {0, 1, P - 1} | {int.from_bytes(bytes.fromhex(y), 'little') for y in (
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')}
SPKI = bytes.fromhex('302a300506032b6570032100')
SECTIONS = FILES, SECRETS, ACCOUNTS, FOLLOWERS, EPOCHS, KEYS, SELECTION = range(7)


class Bad(Exception):
    """A deviation; whoever knows the place adds it."""


def need(condition, why):
    if not condition:
        raise Bad(why)

def upgrade(version):
    need(version > 0, 'fold version 0')
    need(version == 1, f'fold version {version}: upgrade needed')

def sha(*parts): return hashlib.sha256(b''.join(parts)).digest()
def tag(name): return name.encode() + b'\0'
def u(size, n): return n.to_bytes(size, 'big')
def lengthed(text): return u(4, len(text.encode())) + text.encode()
def fingerprint(key): return sha(SPKI, key)
def key_hash(key): return sha(tag('stemma/key/v1'), lengthed(key))
def role_byte(role): return u(1, 1 if role == 'log' else 2)


# Signatures: (offset, what, key, message, signature) each, a process of openssl for each

def strict(what, key, signature):
    for point in key, signature[:32]:
        y = int.from_bytes(point, 'little') & (2**255 - 1)
        need(y < P and y not in SMALL_ORDER, f'{what} has a key or an R that is not canonical, or of small order')
    need(int.from_bytes(signature[32:], 'little') < L, f'{what} has an S that is not below the group order')

@functools.lru_cache(1 << 16)
def openssl(key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in ('key', SPKI + key), ('message', message), ('signature', signature):
            with open(os.path.join(folder, name), 'wb') as file:
                file.write(content)
        done = subprocess.run(['openssl', 'pkeyutl', '-verify', '-pubin', '-keyform', 'DER', '-inkey', 'key', '-rawin',
                               '-in', 'message', '-sigfile', 'signature'], cwd=folder, capture_output=True, text=True)
    good = done.returncode == 0 and 'Signature Verified Successfully' in done.stdout
    return None if good else ' '.join((done.stdout + ' ' + done.stderr).split())[:160] or 'no answer of openssl'

def check_signatures(segment, jobs):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = pool.map(lambda job: openssl(*job[2:]), jobs)
        for (offset, what, *_), error in zip(jobs, errors):
            need(not error, f'{segment} at byte {offset}: {what} is not valid ({error})')


# msgpack

def unpack(data):
    pos = count = 0

    def take(size):
        nonlocal pos
        need(pos + size <= len(data), 'msgpack that is cut off')
        pos += size
        return data[pos - size:pos]

    def number(size, signed=False):
        return int.from_bytes(take(size), 'big', signed=signed)

    def text(size):
        raw = take(size)
        need(not raw.startswith(b'\xef\xbb\xbf'), 'text with a byte-order mark')
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise Bad('text that is not UTF-8') from None

    def container(size, depth, is_map):
        need(not size or depth < 8, 'more than 8 open containers')
        if not is_map:
            return [value(depth + 1) for _ in range(size)]
        need(size <= 32, 'a map of more than 32 keys')
        result = {}
        for _ in range(size):
            key = value(depth + 1)
            need(type(key) is str and key not in result, 'a map key that is not text or comes twice')
            need(len(key.encode()) <= 64, 'a map key of more than 64 bytes')
            result[key] = value(depth + 1)
        return result

    def value(depth):
        nonlocal count
        count += 1
        need(count <= 65536, 'more than 65,536 values')
        b = number(1)
        if b < 0x80 or b >= 0xe0:
            return b if b < 0x80 else b - 256
        if b < 0xa0:
            return container(b & 15, depth, b < 0x90)
        if b < 0xc0:
            return text(b & 31)
        if b in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[b]
        if 0xc4 <= b <= 0xc6:
            return take(number(1 << b - 0xc4))
        if b == 0xcb:
            return struct.unpack('>d', take(8))[0]
        if 0xcc <= b <= 0xd3:
            return number(1 << (b & 3), signed=b >= 0xd0)
        if 0xd9 <= b <= 0xdb:
            return text(number(1 << b - 0xd9))
        if b >= 0xdc:
            return container(number(2 << (b & 1)), depth, b >= 0xde)
        raise Bad(f'the byte {b:02x}, which is not of the msgpack in use')

    result = value(0)
    need(pos == len(data), 'bytes behind the msgpack value')
    return result


# Types and shapes: each takes a value and gives it back, whole numbers as int

def typed(test, why, result=lambda v: v):
    def check(v):
        need(test(v), why)
        return result(v)
    return check

def whole(most=MAX):
    return typed(lambda v: (type(v) is int or type(v) is float and v.is_integer()) and 0 <= v <= most,
                 f'not a whole number from 0 to {most}', int)

def binary(least, most):
    return typed(lambda v: type(v) is bytes and least <= len(v) <= most, f'not a binary of {most} bytes')

def text(least, most, refused):
    return typed(lambda v: type(v) is str and least <= len(v.encode()) <= most and not any(map(refused, v)),
                 f'not a text of {least} to {most} bytes without characters that are not allowed')

def one_of(*allowed):
    return typed(lambda v: type(v) is str and v in allowed, f'not one of {", ".join(allowed)}')

def listing(check):
    return typed(lambda v: type(v) is list and len(v) <= 256, 'not an array of at most 256', lambda v: [check(x) for x in v])

def shape(fields):
    def check(v):
        need(type(v) is dict and set(v) == set(fields), f'not a map of exactly {", ".join(fields)}')
        return {key: field(v[key]) for key, field in fields.items()}
    return check

def hidden(c):
    return unicodedata.category(c) in ('Cc', 'Cf', 'Cs', 'Zl', 'Zp')

@functools.lru_cache(1 << 18)
def collision_key(path):
    if all(' ' <= c <= '~' for c in path):
        return path.lower()
    return unicodedata.normalize('NFKC', unicodedata.normalize('NFKC', path).upper().lower())

DEVICE = re.compile(r'(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)')

def path(v):
    need(type(v) is str and 1 <= len(v.encode()) <= 512, 'not a path of 1 to 512 bytes')
    parts = v.split('/')
    need(unicodedata.normalize('NFC', v) == v and len(parts) <= 16
         and not any(hidden(c) or c in '<>:"\\|?*' for c in v), f'the path {ascii(v)} is not legal')
    for part in parts:
        need(part not in ('', '.', '..') and len(part.encode()) <= 120 and part[0] != ' ' and part[-1] not in ' .'
             and not DEVICE.match(part.lower()) and collision_key(part) not in ('.git', '.stemma-stage'),
             f'the path {ascii(v)} is not legal: {ascii(part)}')
    return v

def rule(v):
    return path(v[:-1]) + '/' if type(v) is str and v.endswith('/') else path(v)

flag, epoch_number = typed(lambda v: type(v) is bool, 'not a boolean'), whole(2**32 - 1)
id16, key32, sig64 = binary(16, 16), binary(32, 32), binary(64, 64)
FILE = {'exec': flag, 'size': whole(67108864), 'blob': key32}
SECRET = {'exec': flag, 'content': id16}
CHARTER = {'logId': id16, 'logKey': key32, 'nodeKey': key32, 'recoveryKey': key32, 'foldVersion': whole(65535),
           'byLog': sig64, 'byNode': sig64}
CHANGE = {'role': one_of('log', 'node'), 'key': key32, 'byNew': sig64}
LINK = {'path': path, 'target': text(1, 1024, lambda c: c == '\0')}
RULES = {'include': listing(rule), 'exclude': listing(rule), 'links': listing(shape(LINK))}
FOLLOWER = {'node': key32, 'seal': key32, 'name': text(1, 64, hidden), 'platform': one_of('linux', 'darwin', 'win32', 'other')}
GRANT = {'epoch': epoch_number, 'follower': key32, 'sealed': binary(0, 256)}
EVENTS = {
    'log.chartered': CHARTER, 'fold.upgraded': {'version': whole(65535)},
    'key.rotated': {**CHANGE, 'byOld': sig64}, 'key.recovered': {**CHANGE, 'byRecovery': sig64},
    'file.put': {'path': path, **FILE}, 'file.removed': {'path': path},
    'secret.put': {'path': path, **SECRET}, 'secret.removed': {'path': path},
    'selection.changed': RULES, 'enrolment.changed': {'approve': flag},
    'follower.enrolled': FOLLOWER, 'follower.revoked': {'follower': key32},
    'epoch.started': {'epoch': epoch_number}, 'epoch.granted': GRANT, 'wraps.put': {'epoch': epoch_number, 'blob': key32}}

# (section, `kind` in a base): the row's tag, its fields in a base, its bytes, the key it stands under if that is not a path
ROWS = {
    (FILES, None): ('file', FILE, lambda r: u(1, r['exec']) + u(8, r['size']) + r['blob'], None),
    (SECRETS, None): ('secret', SECRET, lambda r: u(1, r['exec']) + r['content'], None),
    (FOLLOWERS, 'follower'): (
        'follower', {**FOLLOWER, 'enrolledMs': whole(), 'revokedMs': whole()},
        lambda r: (r['node'] + r['seal'] + lengthed(r['name']) + lengthed(r['platform'])
                   + u(8, r['enrolledMs']) + u(8, r['revokedMs'])), lambda r: fingerprint(r['node']).hex()),
    (FOLLOWERS, 'enrolment'): ('enrolment', {'approve': flag}, lambda r: u(1, r['approve']), lambda r: 'enrolment'),
    (EPOCHS, 'current'): ('epoch', {'epoch': epoch_number, 'wraps': key32}, lambda r: u(4, r['epoch']) + r['wraps'],
                          lambda r: 'current'),
    (EPOCHS, 'grant'): ('grant', GRANT, lambda r: u(4, r['epoch']) + r['follower'] + u(4, len(r['sealed'])) + r['sealed'],
                        lambda r: r['follower'].hex()),
    (KEYS, 'charter'): ('charter', CHARTER, lambda r: (r['logId'] + r['logKey'] + r['nodeKey'] + r['recoveryKey']
                                                       + u(4, r['foldVersion']) + r['byLog'] + r['byNode']), None),
    (SELECTION, None): ('selection', RULES, lambda r: (
        b''.join(u(4, len(r[k])) + b''.join(map(lengthed, r[k])) for k in ('include', 'exclude'))
        + u(4, len(r['links'])) + b''.join(lengthed(x['path']) + lengthed(x['target']) for x in r['links'])), lambda r: 'rules')}
for kind in 'rotated', 'recovered':
    ROWS[KEYS, kind] = ('rotation', {**CHANGE, 'by': sig64, 'seq': whole()}, lambda r, kind=kind: (
        u(1, kind == 'recovered') + role_byte(r['role']) + r['key'] + r['by'] + r['byNew'] + u(8, r['seq'])), None)

def row_bytes(section, kind, row):
    name, _, encode, _ = ROWS[section, kind]
    return tag(f'stemma/row/{name}/v1') + encode(row)


# The state

def merkle(pairs, depth=0):
    """The root of pairs (key hash, value hash) that agree in their first `depth` half bytes."""
    if len(pairs) <= 16:
        return sha(tag('stemma/bucket/v1'), *(key + value for key, value in sorted(pairs))) if pairs else ZERO
    children = [[] for _ in range(16)]
    for pair in pairs:
        children[pair[0][depth // 2] >> (0 if depth % 2 else 4) & 15].append(pair)
    return sha(tag('stemma/node/v1'), *(merkle(child, depth + 1) for child in children))


class Tree:
    """All paths and the folders above them, by collision key: what stands there, and how often."""

    def __init__(self):
        self.places = {}

    @staticmethod
    def steps(path):
        parts = path.split('/')
        for n in range(1, len(parts) + 1):
            spelling = '/'.join(parts[:n])
            yield collision_key(spelling), (n == len(parts), spelling)

    def add(self, path):
        for key, place in self.steps(path):
            other = self.places.setdefault(key, [place, 0])
            need(other[0] == place, f'the path {ascii(path)} collides with {ascii(other[0][1])}')
            other[1] += 1

    def remove(self, path):
        for key, _ in self.steps(path):
            self.places[key][1] -= 1
            if not self.places[key][1]:
                del self.places[key]


HEAD = struct.Struct('>15s16sQ32s32s32sIQ64s')
Head = namedtuple('Head', 'tag log_id seq entry state revision version time signature')


class Fold:
    def __init__(self, log_id):
        self.log_id, self.seq, self.time, self.entry = log_id, 0, 0, sha(tag('stemma/chain/v1'), log_id)
        self.rows, self.pairs, self.tree = [{} for _ in SECTIONS], [{} for _ in SECTIONS], Tree()
        self.roots, self.checkpoints, self.checkpoint = {}, [], ZERO
        self.keys, self.used = {}, []  # the key of each role; (role, key) of the present and the past
        self.changed = 1  # the entry of the last change of a key
        self.offset, self.jobs, self.head_jobs = 0, [], []

    def put(self, section, key, kind, row):
        self.rows[section][key] = row
        self.pairs[section][key_hash(key)] = sha(row_bytes(section, kind, row))
        self.roots.pop(section, None)

    def remove(self, section, key):
        del self.rows[section][key], self.pairs[section][key_hash(key)]
        self.roots.pop(section, None)

    def root(self, section):
        if section not in self.roots:
            self.roots[section] = merkle(self.pairs[section].items())
        return self.roots[section]

    def state(self):
        return sha(tag('stemma/state/v1'), u(4, 1), u(1, 7), *map(self.root, SECTIONS), self.checkpoint)

    def revision(self):
        return sha(tag('stemma/revision/v1'), self.root(FILES), self.root(SECRETS))

    def add_checkpoint(self, seq, entry):
        self.checkpoints.append(entry)
        self.checkpoint = sha(tag('stemma/checkpoint/v1'), self.checkpoint, u(8, seq), entry)

    def sign(self, what, key, message, signature, jobs=None):
        strict(what, key, signature)
        (self.jobs if jobs is None else jobs).append((self.offset, what, key, message, signature))

    def charter(self, row):
        upgrade(row['foldVersion'])
        need(row['logId'] == self.log_id, 'the charter is of another log')
        self.used = [(role, row[role + 'Key']) for role in ('log', 'node', 'recovery')]
        self.keys = dict(self.used)
        need(len(set(self.keys.values())) == 3, 'the charter has one key in two roles')
        message = tag('stemma/charter/v1') + self.log_id + b''.join(self.keys.values()) + u(4, 1)
        self.sign('the signature of the charter by the log key', row['logKey'], message, row['byLog'])
        self.sign('the signature of the charter by the node key', row['nodeKey'], message, row['byNode'])
        self.put(KEYS, '0', 'charter', row)

    def change_key(self, kind, row):
        index, role, key = len(self.rows[KEYS]), row['role'], row['key']
        need(index <= 256, 'there were 256 changes of keys')
        need(row['seq'] > self.changed, f'key change {index} is in entry {row["seq"]}, which is not behind the one before')
        need(key not in [k for _, k in self.used], 'the new key has or had a role in this log')
        by, use = ('recovery', 'recover') if kind == 'recovered' else (role, 'rotate')
        message = tag(f'stemma/{use}/v1') + self.log_id + u(4, index) + role_byte(role) + self.keys[role] + key
        self.sign(f'the signature of key change {index} by the {by} key', self.keys[by], message, row['by'])
        self.sign(f'the signature of key change {index} by the new key', key, message, row['byNew'])
        self.keys[role], self.changed = key, row['seq']
        self.used.append((role, key))
        self.put(KEYS, str(index), kind, row)

    def head(self, raw):
        need(len(raw) == HEAD.size, f'a head of {len(raw)} bytes')
        head = Head(*HEAD.unpack(raw))
        need(head.tag == tag('stemma/head/v1'), 'a head with another tag')
        upgrade(head.version)
        need(head.log_id == self.log_id, 'the head is of another log')
        need(head.seq == self.seq > 0 and head.entry == self.entry, f'the head is not of entry {self.seq}, which stands here')
        need(self.time <= head.time <= MAX, 'the time of the head is before what stands before it, or too high')
        need(head.revision == self.revision(), f'the head of entry {self.seq} has another revision')
        need(head.state == self.state(), f'the head of entry {self.seq} has another state hash')
        self.sign(f'the signature of the head of entry {self.seq}', self.keys['log'], raw[:147], head.signature, self.head_jobs)
        self.time = head.time
        return head

    def part(self, payload, place, before):
        part = unpack(payload)
        need(type(part) is list and len(part) == 3 and type(part[2]) is list, 'a base part is not [section, index, rows]')
        section, index, rows = whole()(part[0]), whole()(part[1]), part[2]
        need(section in SECTIONS or section == 255, f'section {section}: upgrade needed')
        need(index == place and section >= before, f'part {index} (section {section}) of the base is out of place')
        need(rows, f'part {index} of the base is empty')
        for row in rows:
            need(type(row) is list and len(row) == 2, 'a row is not [key, row]')
            if section == 255:
                need(whole()(row[0]) == 256 * (len(self.checkpoints) + 1), f'checkpoint {row[0]} is out of order')
                self.add_checkpoint(int(row[0]), key32(row[1]))
            else:
                self.base_row(section, *row)
        return section

    def paths(self):
        return len(self.rows[FILES]) + len(self.rows[SECRETS])

    def enrolled(self):
        return len(self.rows[FOLLOWERS].keys() - {'enrolment'})

    def sound(self):
        """What entries could make, and a base therefore has to keep."""
        rules, epochs = self.rows[SELECTION].get('rules'), self.rows[EPOCHS]
        need(self.paths() <= 100000 and self.enrolled() <= 1000, 'the base has more rows than a log can have')
        need(not rules or len(row_bytes(SELECTION, None, rules)) <= 65536, 'the selection row has more than 65,536 bytes')
        epoch = epochs.get('current', {'epoch': None})['epoch']
        need(epoch != 0, 'the epoch row has epoch 0')
        for key in epochs.keys() - {'current'}:
            need(epochs[key]['epoch'] == epoch, f'the grant to {key} is not of the current epoch')
            need(self.is_live(key), f'the grant is to {key}, which is not enrolled or is revoked')

    def is_live(self, id_):
        return self.rows[FOLLOWERS].get(id_, {'revokedMs': 1})['revokedMs'] == 0

    def base_row(self, section, key, row):
        need(type(key) is str and type(row) is dict, 'a row is not [text, map]')
        kind = row.pop('kind', None) if section in (FOLLOWERS, EPOCHS, KEYS) else None
        need(type(kind) in (str, type(None)) and (section, kind) in ROWS, f'section {section} has no rows of kind {ascii(kind)}')
        _, fields, _, own_key = ROWS[section, kind]
        row = shape(fields)(row)
        need(key not in self.rows[section], f'the key {ascii(key)} comes twice in section {section}')
        if section in (FILES, SECRETS):
            need(path(key) not in self.rows[FILES], f'{ascii(key)} is in files and in secrets')
            self.tree.add(key)
        elif section == KEYS:
            need(key == str(len(self.rows[KEYS])) and (key == '0') == (kind == 'charter'), f'row {ascii(key)} of keys is out of order')
            return self.charter(row) if key == '0' else self.change_key(kind, row)
        else:
            need(key == own_key(row), f'{ascii(key)} in section {section} is not the key of its row')
        self.put(section, key, kind, row)

    def entry_record(self, payload):
        entry = unpack(payload)
        need(len(entry) == 5 and type(entry[3]) is str and type(entry[4]) is dict, 'an entry is not of its shape')
        seq, prev, time, kind, body = whole()(entry[0]), key32(entry[1]), whole()(entry[2]), entry[3], entry[4]
        need(seq == self.seq + 1, f'entry {seq} stands where entry {self.seq + 1} should')
        need(prev == self.entry, f'entry {seq} names another predecessor')
        need(time >= self.time, f'entry {seq} is older than what stands before it')
        need(kind in EVENTS, f'entry {seq} has the unknown type {ascii(kind)}: upgrade needed')
        self.seq, self.time, self.entry = seq, time, sha(payload)
        try:
            need((kind == 'log.chartered') == (seq == 1), 'the charter is entry 1, and entry 1 is the charter')
            self.apply(kind, shape(EVENTS[kind])(body))
        except Bad as bad:
            raise Bad(f'entry {seq} ({kind}): {bad}') from None
        if seq % 256 == 0:
            self.add_checkpoint(seq, self.entry)

    def apply(self, kind, b):
        epochs, followers = self.rows[EPOCHS], self.rows[FOLLOWERS]
        epoch = epochs.get('current', {'epoch': 0})['epoch']
        if kind in ('wraps.put', 'epoch.granted'):
            need(b['epoch'] == epoch != 0, f'epoch {b["epoch"]} is not the current one')
        if kind in ('follower.revoked', 'epoch.granted'):
            id_ = b['follower'].hex()
            need(self.is_live(id_), f'there is no follower {id_}, or it is revoked')

        if kind == 'log.chartered':
            self.charter(b)
        elif kind == 'fold.upgraded':
            need(b['version'] > 1, 'it is no upgrade')
            upgrade(b['version'])
        elif kind in ('key.rotated', 'key.recovered'):
            self.change_key(kind[4:], {**b, 'by': b['byOld' if kind == 'key.rotated' else 'byRecovery'], 'seq': self.seq})
        elif kind in ('file.put', 'secret.put'):
            mine, other = (FILES, SECRETS) if kind == 'file.put' else (SECRETS, FILES)
            if b['path'] not in self.rows[mine]:
                need(b['path'] not in self.rows[other], f'{ascii(b["path"])} is in the other section')
                need(self.paths() < 100000, 'there are 100,000 paths')
                self.tree.add(b['path'])
            self.put(mine, b['path'], None, b)
        elif kind in ('file.removed', 'secret.removed'):
            section = FILES if kind == 'file.removed' else SECRETS
            need(b['path'] in self.rows[section], f'{ascii(b["path"])} is not there')
            self.remove(section, b['path'])
            self.tree.remove(b['path'])
        elif kind == 'selection.changed':
            need(len(row_bytes(SELECTION, None, b)) <= 65536, 'the row has more than 65,536 bytes')
            self.put(SELECTION, 'rules', None, b)
        elif kind == 'enrolment.changed':
            self.put(FOLLOWERS, 'enrolment', 'enrolment', b)
        elif kind == 'follower.enrolled':
            id_ = fingerprint(b['node']).hex()
            need(id_ not in followers, f'the follower {id_} is or was enrolled')
            need(('node', b['node']) not in self.used, 'it has a node key of this log')
            need(self.enrolled() < 1000, 'there are 1000 followers')
            self.put(FOLLOWERS, id_, 'follower', {**b, 'enrolledMs': self.time, 'revokedMs': 0})
        elif kind == 'follower.revoked':
            self.put(FOLLOWERS, id_, 'follower', {**followers[id_], 'revokedMs': self.time or 1})
            if id_ in epochs:
                self.remove(EPOCHS, id_)
        elif kind == 'epoch.started':
            need(b['epoch'] == epoch + 1, f'epoch {b["epoch"]} does not follow {epoch}')
            for key in list(epochs):
                self.remove(EPOCHS, key)
            self.put(EPOCHS, 'current', 'current', {'epoch': b['epoch'], 'wraps': ZERO})
        elif kind == 'epoch.granted':
            self.put(EPOCHS, id_, 'grant', b)
        elif kind == 'wraps.put':
            self.put(EPOCHS, 'current', 'current', {'epoch': epoch, 'wraps': b['blob']})


# Segments

class Segment:
    """Reads and checks one segment; .fold is the state at its end."""

    def __init__(self, name, data, every_head, older):
        self.name, self.data, self.offset, self.pos = name, data, 0, 64
        self.heads = self.entries = 0
        self.fold = self.last = None
        wrong = None
        try:
            self.header()
            self.base(older)
            self.batches()
        except Bad as bad:
            wrong = f'{name} at byte {self.offset}: {bad}'
        if self.fold:  # a wrong signature stands before what else is wrong
            heads = self.fold.head_jobs
            check_signatures(name, sorted(self.fold.jobs + (heads if every_head else heads[-1:]), key=lambda job: job[0]))
        need(not wrong, wrong)

    def header(self):
        data = self.data[:64]
        need(len(data) == 64 and data[:8] == b'STEMMALG', 'no header of a segment')
        need(zlib.crc32(data[:60]) == int.from_bytes(data[60:], 'big'), 'the checksum of the header is wrong')
        form, version, log_id, self.base_seq, self.parts = struct.unpack('>8xHxxI16sQI16x4x', data)
        need(form == 1, f'format {form}: upgrade needed')
        upgrade(version)
        need(self.base_seq < MAX and self.name == f'{self.base_seq + 1:016}.seg', f'base seq {self.base_seq} does not fit the name')
        need(self.base_seq or not self.parts, 'base parts without a base')
        self.fold = Fold(log_id)

    def record(self):
        """The next payload and its kind; None twice at the end."""
        self.offset = self.fold.offset = self.pos
        if self.pos == len(self.data):
            return None, None
        length, crc = struct.unpack('>II', self.data[self.pos:self.pos + 8].ljust(8, b'\0'))
        payload = self.data[self.pos + 8:self.pos + 8 + length]
        need(1 <= length <= 262144, f'a record of {length} bytes')
        need(len(payload) == length, 'a record is cut off')
        need(zlib.crc32(payload) == crc, 'the checksum of a record is wrong')
        kind = {0x95: 'entry', 0x73: 'head', 0x93: 'part'}.get(payload[0])
        need(kind, f'a record begins with {payload[0]:02x}, which is no known kind')
        need(kind != 'entry' or length <= 65536, f'an entry of {length} bytes')
        self.pos += 8 + length
        return payload, kind

    def base(self, older):
        section = size = 0
        for n in range(self.parts):
            payload, kind = self.record()
            need(kind == 'part', f'the base has {n} parts, not {self.parts}')
            size += len(payload)
            need(size <= 134217728, 'the base has more than 134,217,728 bytes')
            section = self.fold.part(payload, n, section)
        if self.base_seq:
            payload, kind = self.record()
            need(kind == 'head' and len(payload) == HEAD.size, 'the head of the base is missing')
            need(self.fold.keys, 'the base has no charter')
            need(self.fold.changed <= self.base_seq, 'a change of keys is behind the head of the base')
            self.fold.sound()
            found = len(self.fold.checkpoints)
            need(found == self.base_seq // 256, f'the base has {found} checkpoints, not {self.base_seq // 256}')
            self.fold.seq, self.fold.entry = self.base_seq, payload[39:71]
            self.last, self.heads = self.fold.head(payload), 1
            self.fold.jobs += self.fold.head_jobs  # it is checked in any case
            self.fold.head_jobs = []
        if older:
            self.follows(older)

    def follows(self, older):
        then, now = older.fold, self.fold
        need(now.log_id == then.log_id, f'another log than in {older.name}')
        need(then.seq <= now.seq, f'{older.name} goes on to entry {then.seq}, behind this base')
        need(then.time <= now.time, f'the base is older than the end of {older.name}')
        need(then.seq < now.seq or self.last[3:6] == older.last[3:6], f'the base is not the end of {older.name}')
        need(now.checkpoints[:len(then.checkpoints)] == then.checkpoints, f'other checkpoints than in {older.name}')
        need(then.pairs[KEYS].items() <= now.pairs[KEYS].items(), f'another history of keys than in {older.name}')

    def batches(self):
        batch = size = 0
        payload, kind = self.record()
        while kind:
            need(kind != 'part', 'a base part behind the base')
            if kind == 'entry':
                batch, size = batch + 1, size + len(payload)
                need(batch <= 4096 and size <= 8388608, 'a batch of more than 4096 entries or 8,388,608 bytes')
                self.fold.entry_record(payload)
                self.entries += 1
            else:
                self.last, self.heads = self.fold.head(payload), self.heads + 1
                batch = size = 0
            payload, kind = self.record()
        need(self.last and not batch, 'the segment does not end behind a head')


def check_log(folder, every_head, say):
    names = sorted(n for n in os.listdir(folder) if re.fullmatch(r'[0-9]{16}\.seg', n))
    need(names, f'{folder}: no segment')
    segment, heads, entries, missing = None, 0, 0, 0
    for name in names:
        with open(os.path.join(folder, name), 'rb') as file:
            data = file.read()
        older, segment = segment, Segment(name, data, every_head, segment)
        heads, entries = heads + segment.heads, entries + segment.entries
        gap = segment.base_seq - older.fold.seq if older else 0
        missing += gap
        begin = f'base at entry {segment.base_seq} ({segment.parts} parts)' if segment.base_seq else 'no base'
        say(f'{name}: {begin}, {segment.entries} entries to {segment.fold.seq}, {segment.heads} heads'
            + (f', {gap} entries missing before it' if gap else ''))
    fold = segment.fold
    return fold, {'ok': True, 'seq': fold.seq, 'revision': fold.revision().hex(), 'state': fold.state().hex(),
                  'fingerprint': fingerprint(fold.keys['node']).hex(), 'logId': fold.log_id.hex(),
                  'heads': heads, 'entries': entries, 'missing': missing}


# Secrets

def read_wraps(blob, epoch):
    """(hash and length of the ciphertext, wrapped data key) by content id."""
    wraps, rows = unpack(blob), {}
    need(type(wraps) is list and len(wraps) == 2 and type(wraps[1]) is list and len(wraps[1]) <= 1000,
         'the wraps are not [epoch, at most 1000 rows]')
    need(epoch_number(wraps[0]) == epoch, f'the wraps are of epoch {wraps[0]}, not {epoch}')
    for row in wraps[1]:
        need(type(row) is list and len(row) == 4, 'a row of the wraps is not an array of four')
        content, *rest = (check(value) for check, value in zip((id16, key32, whole(1048592), binary(60, 60)), row))
        need(content not in rows, f'content {content.hex()} stands twice in the wraps')
        rows[content] = rest
    return rows

def read_blob(folder, name, what):
    file = os.path.join(folder, name.hex())
    need(os.path.isfile(file), f'{what} is not among the blobs: {name.hex()}')
    with open(file, 'rb') as file:
        blob = file.read()
    need(sha(blob) == name, f'{what} is not what its name says: {name.hex()}')
    return blob

def granted(fold, private, id_, epoch):
    """The epoch key that the follower was granted."""
    need(id_ in fold.rows[EPOCHS], f'the follower {id_} has no grant')
    inside = seals.open_grant(private, fold.rows[EPOCHS][id_]['sealed'])
    need(inside, f'the grant to {id_} does not open')
    need(inside[:-32] == seals.grant_bytes(fold.log_id, epoch, bytes.fromhex(id_)),
         f'the grant to {id_} was made for another log, epoch or follower')
    return inside[-32:]

def open_secrets(fold, private, blobs):
    """The id of the follower, and what each live secret holds by path."""
    public, secrets, epochs = seals.public_of(private), fold.rows[SECRETS], fold.rows[EPOCHS]
    ids = [id_ for id_, row in fold.rows[FOLLOWERS].items() if row.get('seal') == public]
    need(ids, 'no follower has this seal key')
    live = [id_ for id_ in ids if fold.is_live(id_)]
    need(live, f'the follower {ids[0]} is revoked')
    if not secrets:
        return live[0], {}
    need('current' in epochs, 'there are secrets but no epoch')
    epoch, name = epochs['current']['epoch'], epochs['current']['wraps']
    epoch_key, *others = {granted(fold, private, id_, epoch) for id_ in live}
    need(not others, f'epoch {epoch} was granted with two keys')
    need(name != ZERO, f'there are secrets but no wraps in epoch {epoch}')
    rows = read_wraps(read_blob(blobs, name, 'the blob with the wraps'), epoch)
    epoch_gcm, data_keys = seals.Gcm(epoch_key), {}
    for content, (sealed, _, wrapped) in rows.items():
        data_keys[content] = seals.open_wrapped(epoch_gcm, wrapped, seals.wrap_bytes(fold.log_id, epoch, content, sealed))
        need(data_keys[content], f'the data key of content {content.hex()} does not open')
    opened = {}
    for path, row in sorted(secrets.items()):
        content = row['content']
        need(content in rows, f'the wraps have no row for {ascii(path)}')
        sealed = read_blob(blobs, rows[content][0], f'the ciphertext of {ascii(path)}')
        need(len(sealed) == rows[content][1], f'the ciphertext of {ascii(path)} has {len(sealed)} bytes')
        opened[path] = seals.open_content(data_keys[content], sealed, seals.secret_bytes(fold.log_id, content))
        need(opened[path] is not None, f'the ciphertext of {ascii(path)} does not open')
    return live[0], opened


# The examples of the document

def example_secret(log_id, follower, q, source):
    """What is quoted of it, made here from its constants; what is quoted is opened besides."""
    content, data_key, epoch_key, nonce, sender, private = (
        bytes((byte,)) * size for byte, size in ((0x11, 16), (0x22, 32), (0x33, 32), (0x44, 12), (0x55, 32), (0x66, 32)))
    secret, plain = seals.secret_bytes(log_id, content), b'KEY=canary\n'
    sealed = seals.seal_content(data_key, plain, secret)
    wrap, grant = seals.wrap_bytes(log_id, 1, content, sha(sealed)), seals.grant_bytes(log_id, 1, follower)
    wrapped = nonce + seals.Gcm(epoch_key).seal(nonce, data_key, wrap)
    key_file = re.search(r'^```text\n(stemma-key-1 seal\n.*?)^```', source, re.M | re.S)
    need(key_file and seals.read_seal_key(key_file[1].encode()) == seals.clamped(private), 'the quoted seal key file is wrong')
    rows = read_wraps(q('wraps'), 1)
    need(seals.open_grant(private, q('grant')) == grant + epoch_key
         and list(rows) == [content] and rows[content][:2] == [sha(sealed), len(sealed)]
         and seals.open_wrapped(seals.Gcm(epoch_key), rows[content][2], wrap) == data_key
         and seals.open_content(data_key, q('ciphertext'), secret) == plain, 'the quoted secret does not open')
    wraps = (b'\x92\x01\x91\x94\xc4\x10' + content + b'\xc4\x20' + sha(sealed) + bytes((len(sealed),)) + b'\xc4\x3c' + wrapped)
    return {'secret bytes': secret, 'ciphertext': sealed, 'ciphertext hash': sha(sealed), 'wrap bytes': wrap, 'wraps': wraps,
            'wraps hash': sha(wraps), 'grant bytes': grant, 'follower seal key': seals.public_of(private),
            'grant': seals.seal_grant(sender, seals.public_of(private), grant, epoch_key)}

def self_test(document):
    with open(document, encoding='utf-8') as file:
        source = file.read()
    quoted, label = {}, None
    for block in re.findall(r'^```hex\n(.*?)^```', source, re.M | re.S):
        for line in (line.split(';')[0].rstrip() for line in block.splitlines()):
            if line.endswith(':'):
                label, line = line[:-1], ''
            quoted[label] = quoted.get(label, b'') + bytes.fromhex(line)
    log_id = bytes(range(16))

    def q(label):
        need(label in quoted, f'the document does not quote "{label}"')
        return quoted[label]

    with tempfile.TemporaryDirectory() as folder:
        for label, number in ('first segment', 1), ('second segment', 4):
            with open(os.path.join(folder, f'{number:016}.seg'), 'wb') as file:
                file.write(q(label))
        check_log(folder, True, print)
    one, two = (Segment(f'{n:016}.seg', q(f'{word} segment'), True, None).fold for n, word in ((1, 'first'), (4, 'second')))
    wrong = seals.published()
    need(not wrong, f'a cipher of this program is wrong: {wrong}')
    charter, empty = two.rows[KEYS]['0'], row_bytes(FILES, None, {'exec': False, 'size': 0, 'blob': sha()})
    pairs = [(key_hash(f'f{n:02}'), sha(empty)) for n in range(17)]
    rotated, recovered = Fold(log_id), Fold(log_id)
    rotated.add_checkpoint(256, b'\xaa' * 32)
    row = {'role': 'log', 'key': q('rotate bytes')[-32:], 'byNew': q('rotate by new key'), 'by': q('rotate by old key'), 'seq': 4}
    back = {**row, 'byNew': q('recover by new key'), 'by': q('recover by recovery key')}
    for fold, kind, change in (rotated, 'rotated', row), (recovered, 'recovered', back):
        fold.charter(charter)
        fold.change_key(kind, change)
    channel, certificate = tag('stemma/channel/v1') + q('head 3') + b'\x55' * 32, q('node certificate')
    need(SPKI + two.keys['node'] in certificate, 'the certificate has another key')
    check_signatures(document, rotated.jobs + recovered.jobs[2:] + [
        (0, 'the channel proof', two.keys['log'], channel, q('channel proof')),
        (0, 'the certificate', two.keys['node'], certificate[3:-74], certificate[-64:])])
    done = {'first segment', 'second segment', 'rotate by old key', 'rotate by new key', 'recover by recovery key',
            'recover by new key', 'channel proof', 'node certificate'}
    computed = {
        'log key': two.keys['log'], 'node key': two.keys['node'], 'recovery key': two.keys['recovery'],
        'node fingerprint': fingerprint(two.keys['node']), 'chain root': tag('stemma/chain/v1') + log_id,
        'chain root hash': Fold(log_id).entry, 'entry 1 hash': one.head_jobs[0][3][39:71],
        'entry 2': q('first segment')[662 + 8:][:121], 'entry 2 hash': sha(q('entry 2')), 'entry 3 hash': one.entry,
        'head 3': q('second segment')[-211:], 'file row bytes': row_bytes(FILES, None, two.rows[FILES]['AGENTS.md']),
        'file row hash': sha(q('file row bytes')), 'file key bytes': tag('stemma/key/v1') + lengthed('AGENTS.md'),
        'file key hash': sha(q('file key bytes')), 'files root': sha(q('files bucket')), 'keys root': two.root(KEYS),
        'files bucket': tag('stemma/bucket/v1') + b''.join(k + v for k, v in sorted(two.pairs[FILES].items())),
        'empty file row hash': sha(empty), 'sixteen root': merkle(pairs[:16]), 'seventeen root': merkle(pairs),
        'seventeen key hash prefixes': b''.join(key[:2] for key, _ in pairs),
        'seventeen children': b''.join(merkle([p for p in pairs if p[0][0] >> 4 == n], 1) for n in range(16)),
        'state bytes': tag('stemma/state/v1') + u(4, 1) + u(1, 7) + b''.join(map(two.root, SECTIONS)) + ZERO,
        'state hash': two.state(), 'revision bytes': tag('stemma/revision/v1') + two.root(FILES) + two.root(SECRETS),
        'revision hash': two.revision(), 'checkpoint': rotated.checkpoint, 'charter bytes': rotated.jobs[0][3],
        'charter by log key': charter['byLog'], 'charter by node key': charter['byNode'],
        'charter row hash': sha(row_bytes(KEYS, 'charter', charter)), 'rotate bytes': rotated.jobs[2][3],
        'recovery row hash': sha(row_bytes(KEYS, 'recovered', back)),
        **example_secret(log_id, fingerprint(row['key']), q, source)}
    for label, value in computed.items():
        need(quoted.get(label) == value, f'the quoted "{label}" is not what is computed here')
    lines = [line for block in re.findall(r'^```(?:paths|fold)\n(.*?)^```', source, re.M | re.S) for line in block.splitlines()]
    for line in lines:
        value, end = json.JSONDecoder().raw_decode(line)
        said = line[end:].strip()
        try:
            found = path(value) and 'legal' if said in ('legal', 'refused') else collision_key(value)
        except Bad:
            found = 'refused'
        need(found == (said if said in ('legal', 'refused') else json.loads(said)), f'{line} is {ascii(found)} here')
    left = ', '.join(sorted(set(quoted) - done - set(computed))) or 'none'
    print(f'ok: {len(quoted)} quoted values, {len(lines)} quoted paths; not checked of them: {left}')


def main():
    parser = argparse.ArgumentParser(description='Check stemma logs.')
    parser.add_argument('folders', nargs='*', metavar='LOG_FOLDER', help='a folder with segments')
    parser.add_argument('--json', action='store_true', help='print one JSON object for each folder and nothing else')
    parser.add_argument('--heads', choices=('all', 'last'), default='all', help='whose signatures: all, or the last of each segment')
    parser.add_argument('--seal-key', metavar='FILE', help='the key file of a follower: opens every secret, too')
    parser.add_argument('--blobs', metavar='FOLDER', help='where the ciphertexts lie, when not beside the log')
    parser.add_argument('--show', metavar='PATH', help='print what this secret holds and nothing else')
    parser.add_argument('--self-test', metavar='FORMAT.md', help='check the examples of the document instead')
    options = parser.parse_args()
    if bool(options.folders) == bool(options.self_test):
        parser.error('either a folder or --self-test')
    if (options.blobs or options.show) and (not options.seal_key or len(options.folders) != 1):
        parser.error('--blobs and --show go with --seal-key and one folder')
    code = 0
    try:
        if options.self_test:
            self_test(options.self_test)
        for folder in options.folders:
            code |= report(folder, options)
    except Bad as bad:
        print(f'not ok: {bad}')
        return 1
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    return code


def report(folder, options):
    quiet = options.json or options.show
    try:
        fold, result = check_log(folder, options.heads == 'all', (lambda line: None) if quiet else print)
        if options.seal_key:
            with open(options.seal_key, 'rb') as file:
                private = seals.read_seal_key(file.read())
            need(private, f'{options.seal_key} is no key file of a seal key')
            follower, opened = open_secrets(fold, private, options.blobs or os.path.join(folder, os.pardir, 'blobs'))
            result['secrets'] = {'follower': follower, 'sizes': {path: len(content) for path, content in opened.items()}}
            need(not options.show or options.show in opened, f'there is no secret {ascii(options.show)}')
    except Bad as bad:
        print(json.dumps({'ok': False, 'error': str(bad)}) if options.json else f'not ok: {bad}')
        return 1
    if options.show:
        sys.stdout.buffer.write(opened[options.show])
        return 0
    if options.seal_key and not quiet:
        print(f'{len(opened)} secrets, and the follower {follower} can open each')
    print(json.dumps(result) if options.json else 'ok: entry {seq}, revision {revision}, state {state}, '
          'node fingerprint {fingerprint}'.format(**result))
    return 0


if __name__ == '__main__':
    sys.exit(main())
