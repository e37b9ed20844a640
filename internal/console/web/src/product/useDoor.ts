import { useQuery } from '@tanstack/react-query'
import { queries } from '../app/queries'

/** useDoor is where devices connect: this server by the name that it has in the address bar. Undefined: not known yet. */
export function useDoor(): string | undefined {
  const { data } = useQuery(queries.server)
  return data && `${location.hostname}:${data.mqttPort}`
}
