import { createLink } from '@tanstack/react-router'
import { Button } from 'antd'

/** LinkButton is a link that looks like a button. */
export const LinkButton = createLink(Button)
