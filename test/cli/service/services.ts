/** Services for the tests: on plain paths, and on those that every format trips over. */
import type { Role, Service } from '../../../cli/service/service.ts'

const folders = {
  linux: { homeDir: '/home/u', user: '1000' },
  darwin: { homeDir: '/Users/u', user: '501' },
  win32: { homeDir: 'C:\\Users\\u', user: 'DESK\\u' },
} as const

export function plainService(system: Service['system'], role: Role = 'master'): Service {
  const { homeDir, user } = folders[system]
  const slash = system === 'win32' ? '\\' : '/'
  return {
    system,
    role,
    homeDir,
    user,
    configDir: `${homeDir}${slash}.config`,
    stemmaHome: `${homeDir}${slash}.stemma`,
    codexHome: `${homeDir}${slash}.codex`,
    isLockInTmp: false,
    words: role === 'master' ? ['master', 'serve', '--port', '18000'] : ['follower', 'watch'],
  }
}

/** Blanks, quotes, a per cent sign, a dollar, an ampersand, angle brackets, Unicode, a backslash at the end. */
export function oddService(system: Service['system'], role: Role = 'master'): Service {
  const odd = system === 'win32' ? "C:\\it's 100% $HOME & é !x!" : `/it's "100%" $HOME & <b> é \\`
  const slash = system === 'win32' ? '\\' : '/'
  return {
    ...plainService(system, role),
    stemmaHome: `${odd}${slash}s`,
    codexHome: `${odd}${slash}c \\`,
    isLockInTmp: true,
  }
}
