/** actions are what the audit log holds, by the thing that they are done to. */
export const actions = {
  session: ['open', 'close'],
  account: ['add', 'set', 'remove', 'phone', 'recover'],
  totp: ['add', 'confirm', 'remove'],
  token: ['add', 'remove'],
  verification: ['ask', 'send', 'unsent', 'fail', 'pass', 'set'],
  instance: ['add', 'set', 'remove'],
  product: ['add', 'rename', 'registration', 'remove'],
  ca: ['set', 'remove', 'revoke', 'unrevoke'],
  device: ['add', 'set', 'reset', 'detach', 'remove'],
  config: ['save', 'set'],
  push: ['start', 'stop'],
} as const
