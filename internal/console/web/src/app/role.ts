import { useQuery } from '@tanstack/react-query'
import { roles, type Role } from '../api/api'
import { queries } from './queries'

/** useMay tells whether who is signed in has at least a role. */
export function useMay(least: Role): boolean {
  const { data } = useQuery(queries.me)
  return data !== undefined && roles.indexOf(data.role) >= roles.indexOf(least)
}
