import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { rawOf } from '../../../engine/crypto/ed25519.ts'
import { signingKey } from '../../../engine/keys/keys.ts'
import { mintCertificate, mintIdentity } from '../../../transport/identity/cert.ts'

const key = signingKey(Buffer.alloc(32, 5))

test('S18: a certificate is one constant shape, the same for the same key', () => {
  const seeds = Array.from({ length: 64 }, (_, n) => signingKey(Buffer.alloc(32, n + 1)))
  const masked = new Set<string>()
  for (const each of seeds) {
    const der = mintCertificate(each)
    expect(der).toHaveLength(244)
    expect(der.equals(mintCertificate(each))).toBe(true)
    der
      .fill(0, 13, 29)
      .fill(0, der.indexOf(each.public), der.indexOf(each.public) + 32)
      .fill(0, 180)
    masked.add(der.toString('hex'))
  }
  expect(masked.size).toBe(1)
})

test('S18: node reads the certificate and verifies it under its own key', () => {
  const cert = new X509Certificate(mintCertificate(key))
  expect(cert.verify(cert.publicKey)).toBe(true)
  expect(cert.checkIssued(cert)).toBe(true)
  expect(cert.checkPrivateKey(createPrivateKey(mintIdentity(key).keyPem))).toBe(true)
  expect(rawOf(cert.publicKey)?.equals(key.public)).toBe(true)
  expect([cert.subject, cert.issuer, cert.ca]).toEqual(['CN=stemma', 'CN=stemma', false])
  expect(new Date(cert.validFrom).getUTCFullYear()).toBe(2000)
  expect(new Date(cert.validTo).getUTCFullYear()).toBe(9999)
  expect(/^[4-7]/.test(cert.serialNumber)).toBe(true)
})

test('S17: openssl accepts the certificate in its strict mode, and names the same fingerprint', () => {
  const dir = mkdtempSync(join(tmpdir(), 'stemma-cert-'))
  try {
    const file = join(dir, 'cert.pem')
    const identity = mintIdentity(key)
    writeFileSync(file, identity.certPem)
    expect(execFileSync('openssl', ['verify', '-x509_strict', '-CAfile', file, file]).toString()).toContain(
      'OK',
    )
    const text = execFileSync('openssl', ['x509', '-in', file, '-noout', '-text']).toString()
    expect(text).toContain('Version: 3 (0x2)')
    expect(text).toMatch(/Basic Constraints: critical\s+CA:FALSE/)
    expect(text.match(/ED25519/g)?.length).toBeGreaterThanOrEqual(3)
    const pem = execFileSync('openssl', ['x509', '-in', file, '-noout', '-pubkey'])
    const der = execFileSync('openssl', ['pkey', '-pubin', '-outform', 'DER'], { input: pem })
    const digest = execFileSync('openssl', ['dgst', '-sha256', '-r'], { input: der }).toString().slice(0, 64)
    expect(identity.fingerprint).toBe(digest)
  } finally {
    rmSync(dir, { recursive: true })
  }
})
