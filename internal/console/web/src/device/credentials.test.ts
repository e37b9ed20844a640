import { expect, test } from 'vitest'
import { csvOf, namesIn } from './credentials'

test('names are read from a CSV with a title and other columns', () =>
  expect(namesIn('\uFEFFDeviceName,site\r\n"meter-1",north\r\nmeter-2,south\r\n\r\n')).toEqual(['meter-1', 'meter-2']))

test('names are read from a plain list, each once', () => expect(namesIn('a-01\n b-02 \na-01')).toEqual(['a-01', 'b-02']))

test('nothing has no names', () => expect(namesIn(' \n')).toEqual([]))

test('credentials are written one device a line', () =>
  expect(csvOf('a1b', [{ deviceName: 'meter-1', deviceSecret: 's' }])).toBe('productKey,deviceName,deviceSecret\r\na1b,meter-1,s\r\n'))
