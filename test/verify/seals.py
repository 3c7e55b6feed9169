#!/usr/bin/env python3
"""Opens what docs/FORMAT.md calls sealed: grants, wrapped data keys and ciphertexts. python3 seals.py checks its ciphers.

Written from that document and from what it names (FIPS 197, NIST SP 800-38D, RFC 7748, NaCl), without a library.
Always holds: what is not authentic is None, never bytes. It is made to check, not to live with: it is slow, and how
long it takes tells of the keys.
"""
import base64
import hashlib
import hmac
import struct
import sys

P = 2**255 - 19


# AES-256, which GCM needs forwards only

def tables():
    """The S-box of AES; and each of its values times (2, 1, 1, 3), a column, turned by 0 to 3 bytes."""
    def double(x): return x << 1 ^ (0x11b if x & 0x80 else 0)
    powers = [1]  # of 3, which has them all
    while len(powers) < 255:
        powers.append(double(powers[-1]) ^ powers[-1])
    box = [0x63]
    for x in range(1, 256):
        inverse = powers[-powers.index(x) % 255] * 0x101  # twice side by side, so that a shift is a turn
        box.append((inverse ^ inverse >> 4 ^ inverse >> 5 ^ inverse >> 6 ^ inverse >> 7) & 255 ^ 0x63)
    columns = [bytes((double(s), s, s, double(s) ^ s)) for s in box]
    return box, [[int.from_bytes(c[-n:] + c[:-n], 'big') for c in columns] for n in range(4)]

BOX, COLUMNS = tables()

def substitute(word):
    return int.from_bytes(bytes(BOX[b] for b in word.to_bytes(4, 'big')), 'big')

def aes_schedule(key):
    words, constant = list(struct.unpack('>8I', key)), 1 << 24
    while len(words) < 60:
        word = words[-1]
        if len(words) % 8 == 0:
            word = substitute((word << 8 | word >> 24) & 0xffffffff) ^ constant
            constant <<= 1
        elif len(words) % 8 == 4:
            word = substitute(word)
        words.append(words[-8] ^ word)
    return words

def aes(schedule, block):
    one, two, three, four = COLUMNS
    a, b, c, d = (word ^ key for word, key in zip(struct.unpack('>4I', block), schedule))
    for n in range(4, 56, 4):
        a, b, c, d = (one[w >> 24] ^ two[x >> 16 & 255] ^ three[y >> 8 & 255] ^ four[z & 255] ^ key for w, x, y, z, key in (
            (a, b, c, d, schedule[n]), (b, c, d, a, schedule[n + 1]), (c, d, a, b, schedule[n + 2]), (d, a, b, c, schedule[n + 3])))
    turned = ((w >> 24 << 24 | x & 0xff0000 | y & 0xff00 | z & 255) for w, x, y, z in (
        (a, b, c, d), (b, c, d, a), (c, d, a, b), (d, a, b, c)))
    return struct.pack('>4I', *(substitute(word) ^ key for word, key in zip(turned, schedule[56:])))


class Gcm:
    """AES-256-GCM with nonces of 12 bytes; the tag of 16 stands behind the ciphertext."""

    def __init__(self, key):
        self.schedule = aes_schedule(key)
        self.powers = [int.from_bytes(aes(self.schedule, bytes(16)), 'big')]  # H times x to the n
        while len(self.powers) < 128:
            h = self.powers[-1]
            self.powers.append(h >> 1 ^ (0xe1 << 120 if h & 1 else 0))

    def turn(self, nonce, data):
        """From plain to sealed, or back."""
        stream = b''.join(aes(self.schedule, nonce + n.to_bytes(4, 'big')) for n in range(2, 2 + -(-len(data) // 16)))
        return xor(data, stream)

    def tag(self, nonce, sealed, bound):
        padded = b''.join(part + bytes(-len(part) % 16) for part in (bound, sealed))
        total = 0
        for block in blocks(padded + struct.pack('>QQ', 8 * len(bound), 8 * len(sealed)), 16):
            total, bits = 0, f'{total ^ int.from_bytes(block, "big"):0128b}'
            for power, bit in zip(self.powers, bits):
                if bit == '1':
                    total ^= power
        return xor(total.to_bytes(16, 'big'), aes(self.schedule, nonce + b'\0\0\0\1'))

    def seal(self, nonce, plain, bound):
        sealed = self.turn(nonce, plain)
        return sealed + self.tag(nonce, sealed, bound)

    def open(self, nonce, sealed, bound):
        sealed, tag = sealed[:-16], sealed[-16:]
        return self.turn(nonce, sealed) if hmac.compare_digest(self.tag(nonce, sealed, bound), tag) else None


def blocks(data, size):
    return (data[at:at + size] for at in range(0, len(data), size))

def xor(data, stream):
    """The stream may be longer."""
    return (int.from_bytes(data, 'big') ^ int.from_bytes(stream[:len(data)], 'big')).to_bytes(len(data), 'big')


# X25519 (RFC 7748)

def clamped(private):
    return bytes((private[0] & 248,)) + private[1:31] + bytes((private[31] & 127 | 64,))

def x25519(private, public):
    k, u = int.from_bytes(clamped(private), 'little'), int.from_bytes(public, 'little') & 2**255 - 1
    x2, z2, x3, z3 = 1, 0, u, 1
    for n in reversed(range(255)):
        bit = k >> n & 1
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
        plus, minus = (x2 + z2) ** 2 % P, (x2 - z2) ** 2 % P
        cross, other = (x2 - z2) * (x3 + z3), (x2 + z2) * (x3 - z3)
        x3, z3 = (cross + other) ** 2 % P, u * (cross - other) ** 2 % P
        x2, z2 = plus * minus % P, (plus - minus) * (plus + 121665 * (plus - minus)) % P
        if bit:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, 'little')

def public_of(private):
    return x25519(private, b'\x09' + bytes(31))


# XSalsa20-Poly1305, the box of NaCl: here the tag of 16 stands before the ciphertext

QUARTERS = ((0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11),
            (0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14))

def salsa(key, place):
    """The sixteen words for a key of 32 bytes and a place of 16, before and after twenty rounds."""
    k, p, s = struct.unpack('<8I', key), struct.unpack('<4I', place), struct.unpack('<4I', b'expand 32-byte k')
    before = [s[0], *k[:4], s[1], *p, s[2], *k[4:], s[3]]
    x = list(before)
    for _ in range(10):
        for quarter in QUARTERS:
            for n, turn in enumerate((7, 9, 13, 18)):
                to, one, two = quarter[(n + 1) % 4], quarter[n], quarter[n - 1]
                word = x[one] + x[two] & 0xffffffff
                x[to] ^= (word << turn | word >> 32 - turn) & 0xffffffff
    return before, x

def hsalsa(key, place):
    x = salsa(key, place)[1]
    return struct.pack('<8I', *(x[n] for n in (0, 5, 10, 15, 6, 7, 8, 9)))

def xsalsa_stream(key, nonce, size):
    key, stream = hsalsa(key, nonce[:16]), b''
    while len(stream) < size:
        words = zip(*salsa(key, nonce[16:] + struct.pack('<Q', len(stream) // 64)))
        stream += struct.pack('<16I', *(before + after & 0xffffffff for before, after in words))
    return stream

def poly1305(key, message):
    r, total = int.from_bytes(key[:16], 'little') & 0x0ffffffc0ffffffc0ffffffc0fffffff, 0
    for block in blocks(message, 16):
        total = (total + int.from_bytes(block + b'\1', 'little')) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], 'little')) % 2**128).to_bytes(16, 'little')

def box_stream(private, public, nonce, size):
    """The key of the tag, and the stream for that many bytes."""
    stream = xsalsa_stream(hsalsa(x25519(private, public), bytes(16)), nonce, 32 + size)
    return stream[:32], stream[32:]

def box_seal(private, public, nonce, plain):
    key, stream = box_stream(private, public, nonce, len(plain))
    return poly1305(key, xor(plain, stream)) + xor(plain, stream)

def box_open(private, public, nonce, box):
    key, stream = box_stream(private, public, nonce, len(box) - 16)
    return xor(box[16:], stream) if hmac.compare_digest(poly1305(key, box[16:]), box[:16]) else None


# What the document lays out

def u32(n): return n.to_bytes(4, 'big')
def secret_bytes(log_id, content): return b'stemma/secret/v1\0' + log_id + content
def wrap_bytes(log_id, epoch, content, sealed): return b'stemma/wrap/v1\0' + log_id + u32(epoch) + content + sealed
def grant_bytes(log_id, epoch, follower): return b'stemma/grant/v1\0' + log_id + u32(epoch) + follower

def grant_nonce(sender, follower):
    return hashlib.sha256(sender + follower).digest()[:24]

def seal_grant(sender_private, follower_public, bound, epoch_key):
    sender = public_of(sender_private)
    return sender + box_seal(sender_private, follower_public, grant_nonce(sender, follower_public), bound + epoch_key)

def open_grant(private, sealed):
    """What is in the box: the grant bytes and the epoch key."""
    return box_open(private, sealed[:32], grant_nonce(sealed[:32], public_of(private)), sealed[32:]) if len(sealed) == 148 else None

def open_wrapped(epoch_gcm, wrapped, bound):
    return epoch_gcm.open(wrapped[:12], wrapped[12:], bound)

def seal_content(data_key, plain, bound): return Gcm(data_key).seal(bytes(12), plain, bound)
def open_content(data_key, sealed, bound): return Gcm(data_key).open(bytes(12), sealed, bound)

def read_seal_key(file):
    """The private key of a key file with the role `seal`; None when the file is not what can be made of it."""
    lines = file.split(b'\n')
    try:
        private = base64.b64decode(lines[3])[16:]
    except (IndexError, ValueError):
        return None
    if len(private) != 32 or clamped(private) != private:
        return None
    der = bytes.fromhex('302e020100300506032b656e04220420') + private
    made = b'stemma-key-1 seal\npublic %s\n-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----\n' % (
        public_of(private).hex().encode(), base64.b64encode(der))
    return private if file == made else None


def published():
    """The name of the first cipher that does not do what was published of it, or None."""
    h = bytes.fromhex
    alice = h('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')
    bob = h('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
    nonce = h('69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37')
    plain = h('be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4'
              '1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52'
              'f0a089bc76897040e082f937763848645e0705')
    box = h('f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b'
            '4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da'
            '99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5')
    gcm, iv, bound = Gcm(2 * h('feffe9928665731c6d6a8f9467308308')), h('cafebabefacedbaddecaf888'), 2 * h('feedfacedeadbeef') + h('abaddad2')
    text = h('d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39')
    sealed = h('522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662'
               '76fc6ece0f4e1768cddf8853bb2d551b')
    spoiled = bytes((sealed[0] ^ 1,)) + sealed[1:]
    checks = {
        'AES-256 (FIPS 197, C.3)': aes(aes_schedule(bytes(range(32))), bytes(range(0, 256, 17))) == h('8ea2b7ca516745bfeafc49904b496089'),
        'AES-256-GCM (its specification, test case 16)': (
            gcm.seal(iv, text, bound) == sealed and gcm.open(iv, sealed, bound) == text
            and gcm.open(iv, spoiled, bound) is gcm.open(iv, sealed, b'') is gcm.open(bytes(12), sealed, bound) is None),
        'X25519 (RFC 7748, 5.2)': x25519(
            h('a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4'),
            h('e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c')).hex()
            == 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
        'X25519 (RFC 7748, 6.1)': x25519(alice, bob).hex() == '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
        'Poly1305 (RFC 8439, 2.5.2)': poly1305(
            h('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b'),
            b'Cryptographic Forum Research Group').hex() == 'a8061dc1305136c6c22b8baf0c0127a9',
        'XSalsa20-Poly1305 (Cryptography in NaCl, 10)': (
            box_seal(alice, bob, nonce, plain) == box and box_open(alice, bob, nonce, box) == plain
            and box_open(alice, bob, nonce, box[:-1] + b'\0') is box_open(bob, bob, nonce, box) is None)}
    return next((name for name, good in checks.items() if not good), None)


if __name__ == '__main__':
    wrong = published()
    print(f'not ok: {wrong}' if wrong else 'ok: the published examples')
    sys.exit(bool(wrong))
